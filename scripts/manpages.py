#!/usr/bin/env python3
"""Writes the manual pages: manpages.py BERTH FOLDER. berth(1) and one page for each verb, from what `berth` says of itself."""

import json
import pathlib
import subprocess
import sys


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def sentence(text):
    return text if text.endswith((".", "!", "?", ":")) else text + "."


def names(argument):
    order = {"short": 0, "longWithSingleDash": 1, "long": 2}
    words = []
    for name in sorted(argument.get("names", []), key=lambda name: order[name["kind"]]):
        words.append(("--" if name["kind"] == "long" else "-") + name["name"])
    return words


def shown(argument):
    if argument["kind"] == "positional":
        return f"\\fI{escaped(argument.get('valueName', 'value')).upper()}\\fR"
    value = f" \\fI{escaped(argument.get('valueName', 'value'))}\\fR" if argument["kind"] == "option" else ""
    return ", ".join(f"\\fB{escaped(name)}\\fR" for name in names(argument)) + value


def synopsis(path, command):
    words = [f"\\fB{escaped(' '.join(path))}\\fR"]
    if any(argument["kind"] != "positional" for argument in visible(command)):
        words.append("[\\fIoptions\\fR]")
    if command.get("subcommands"):
        words.append("\\fIverb\\fR ...")
    for argument in visible(command):
        if argument["kind"] == "positional":
            name = shown(argument) + (" ..." if argument.get("isRepeating") else "")
            words.append(f"[{name}]" if argument.get("isOptional") else name)
    return " ".join(words)


def visible(command):
    return [argument for argument in command.get("arguments", []) if argument.get("shouldDisplay", True)]


def described(argument):
    lines = [".TP", shown(argument), escaped(sentence(argument.get("abstract", "") or argument.get("valueName", "")))]
    if argument.get("defaultValue") and argument["kind"] != "flag":
        lines.append(f"Default: {escaped(argument['defaultValue'])}.")
    if argument.get("allValueStrings"):
        lines.append("One of " + escaped(", ".join(argument["allValueStrings"])) + ".")
    return lines


def page(path, command, version):
    title = "-".join(path)
    lines = [
        f'.TH "{title.upper()}" 1 "" "berth {version}" "berth"', ".SH NAME",
        f"{escaped(title)} \\- {escaped(command.get('abstract', '').rstrip('.'))}", ".SH SYNOPSIS", synopsis(path, command)]
    if command.get("discussion"):
        lines += [".SH DESCRIPTION", escaped(command["discussion"])]
    sections = {}
    for argument in visible(command):
        sections.setdefault(argument.get("sectionTitle") or "Options", []).append(argument)
    for section, arguments in sections.items():
        lines.append(f".SH {escaped(section.upper())}")
        for argument in arguments:
            lines += described(argument)
    inner = [each for each in command.get("subcommands", []) if each["commandName"] != "help"]
    if inner:
        lines.append(".SH VERBS")
        for each in inner:
            lines += [".TP", f"\\fB{escaped(each['commandName'])}\\fR",
                      escaped(sentence(each.get("abstract", ""))) + f" See \\fB{escaped(title)}\\-{escaped(each['commandName'])}\\fR(1)."]
    lines.append(".SH SEE ALSO")
    lines.append("\\fBberth\\fR(1); \\fBberth help pages\\fR lists the documents." if len(path) > 1
                 else "\\fBberth help pages\\fR lists the documents, \\fBberth help exit\\-codes\\fR prints the exit codes.")
    return "\n".join(lines) + "\n"


def write(path, command, version, folder):
    (folder / ("-".join(path) + ".1")).write_text(page(path, command, version))
    for inner in command.get("subcommands", []):
        if inner["commandName"] != "help":
            write(path + [inner["commandName"]], inner, version, folder)


def main():
    berth, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    said = json.loads(subprocess.run([berth, "--experimental-dump-help"], capture_output=True, text=True, check=True).stdout)
    version = subprocess.run([berth, "--version"], capture_output=True, text=True).stdout.split()[-1:] or [""]
    write(["berth"], said["command"], version[0], folder)


if __name__ == "__main__":
    main()
