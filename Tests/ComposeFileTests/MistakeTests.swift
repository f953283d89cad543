import ComposeFile
import Testing
import YAML

@Suite("Mistakes that beginners make") struct MistakeTests {
    @Test(
        "in a file are told once, where they are, with what to write",
        arguments: [
            (
                "services:\n  web: {image: i}\n  logging: {«imge»: fluentd}\n",
                "'imge' is not an attribute of a service",
                "did you mean 'image'?"
            ),
            (
                "services:\n  web: {image: i}\n  deploy: {«imagee»: x}\n", "'imagee' is not an attribute of a service",
                "did you mean 'image'?"
            ),
            (
                "services:\n  web: {image: i}\n  environment: {«imag»: x}\n", "'imag' is not an attribute of a service",
                "did you mean 'image'?"
            ),
            (
                "services:\n  web: {image: i}\n  «logging»:\n    driver: x\n",
                "'logging' stands where the name of a service is expected",
                "indent it further if it belongs to the service 'web'"
            ),
            (
                "services:\n   «web:»\n    image: x\n  db:\n    image: y\n  cache:\n    image: z\n",
                "indented by 3, and the 2 lines that belong with it by 2", "indent it by 2 like line 4"
            ),
            (
                "services:\n  web:\n     «image: x»\n    ports: []\n    restart: always\n",
                "indented by 5, and the 2 lines that belong with it by 4", "indent it by 4 like line 4"
            ),
            (
                "services:\n  web:\n    «image: x»\n     ports: []\n     restart: always\n",
                "indented by 4, and the 2 lines that belong with it by 5", "indent it by 5 like line 4"
            ),
            (
                "services:\n  web:\n    image: x\n    ports:\n     «- \"80\"»\n      - \"81\"\n      - \"82\"\n",
                "indented by 5, and the 2 lines that belong with it by 6", "indent it by 6 like line 6"
            ),
            (
                "services:\n  web:\n    image: x\n    ports:\n      «- \"80\"»\n     - \"81\"\n     - \"82\"\n",
                "indented by 6, and the 2 lines that belong with it by 5", "indent it by 5 like line 6"
            ),
            (
                "services:\n  web:\n    image: x\n    command: >\n      run\n     «--flag»\n      more\n    restart: always\n",
                "the block of text ends here: this line is indented by 5, line 5, where it begins, by 6",
                "indent it by 6 or more"
            ),
            (
                "services:\n  web:\n    image: x\n    command: |\n      run\n     «echo: x»\n    restart: always\n",
                "the block of text ends here: this line is indented by 5, line 5, where it begins, by 6",
                "indent it by 6 or more"
            ),
            (
                "services:\n  web:\n    image: x\n    command: |\n    «echo a»\n    echo b\n",
                "the text after '|' is indented further than its key, but this line is not", "indent it by 6 or more"
            ),
            (
                "services:\n  web:\n    image: x\n    depends_on:\n      - db\n        «condition»: service_healthy\n  db: {image: i}\n",
                "'condition' cannot belong to 'db', which is one text",
                "write `db:` without the '- ', and `condition: service_healthy` on the next line, indented further"
            ),
            (
                "services:\n  web:\n    image: x\n    depends_on:\n      - «db:»\n        condition: service_healthy\n  db: {image: i}\n",
                "expected a string, found a mapping", "write `db:` without the '- ', and indent `condition` below it"
            ),
            (
                "services:\n  web:\n    image: x\n    volumes:\n      - ./a:/b\n        «read_only»: true\n",
                "'read_only' cannot belong to './a:/b', which is one text",
                "write the long form: {type: bind, source: ./a, target: /b, read_only: true}"
            ),
            (
                "«apiVersion»: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replicas: 2}\n",
                "this is a manifest of Kubernetes (Deployment), not a Compose file",
                "give it to kubectl, or write its containers under 'services:'"
            ),
            (
                "services:\n  web:\n    «exteds»: base\n  base: {image: i}\n",
                "'exteds' is not an attribute of a service",
                "did you mean 'extends'?"
            ),
            (
                "services:\n  web: {image: i, depends_on: [\"my db\"]}\n  «\"my db\"»: {image: i}\n",
                "'my db' is not allowed as a name: expected a name of letters, digits, '.', '_' and '-'", "write my-db"
            ),
            (
                "services:\n  web: {image: i, depends_on: {\"my db\": {condition: service_started}}}\n  «\"my db\"»: {image: i}\n",
                "'my db' is not allowed as a name: expected a name of letters, digits, '.', '_' and '-'", "write my-db"
            ),
            (
                "services:\n  web: {image: i, networks: {«\"my net\"»: {}}}\nnetworks: {\"my net\": {}}\n",
                "'my net' is not allowed as a name: expected a name of letters, digits, '.', '_' and '-'",
                "write my-net"
            ),
            (
                "services:\n  web:\n    image: i\n«services»:\n  db:\n    image: i\n    depends_on: [web]\n",
                "the key 'services' is given twice in one mapping", "remove one of the two"
            ),
            (
                "services:\n  web:\n    image: x\n    ports:\n      - 80:80\n    «-» 443:443\n",
                "this item of the list above is not indented like its first one", "indent it by 6 like line 5"
            ),
            (
                "services:\n  web:\n    image: x\n    environment:\n      PASSWORD: \"a«\"»b\"\n",
                "the quote closes here, and text follows it",
                "write \\\" for a quote inside, or single quotes around all of it: 'a\"b'"
            ),
        ])
    func files(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked(marked), .error, message, hint: hint)
    }

    @Test(
        "of quotes, forms and indentation are told once, where they are, with what to write",
        arguments: [
            (
                "services:\n  web:\n    image: x\n    environment:\n      PASSWORD: 'it«'»s'\n",
                "the quote closes here, and text follows it", "write a quote inside twice: 'it''s'"
            ),
            (
                "services:\n  web:\n    image: x\n    ports:\n    - \"80:80\"\n    «\"81:81\"»\n",
                "no ':' follows the key", "write `- \"81:81\"` as an item of a list, or `\"81:81\": VALUE`"
            ),
            (
                "services:\n  web:\n    image: x\n    environment:\n      P: \"C:«\\»dir\"\n",
                "this escape sequence is unknown in double quotes",
                "write \\\\ for a backslash in double quotes, or use single quotes"
            ),
            (
                "services:\n  web:\n    image: x\n    env_file: «\"a.env\\0junk\"»\n",
                "a value cannot contain a NUL character: everything after it would be lost",
                "remove the \\0, or write \\\\0 for a backslash and a zero"
            ),
            (
                "services:\n  web:\n    image: x\n    labels: {a: «!!binary \"%%%\"»}\n",
                "the text after !!binary is not base64", "write what `base64 -w0` prints, or remove the tag"
            ),
            (
                "services:\n  web:\n    image: x\n    labels: {a: «!!binary \"aGk\"»}\n",
                "the text after !!binary is not base64", "write what `base64 -w0` prints, or remove the tag"
            ),
            (
                "services:\n  web:\n    <<: «*defaults»\n    image: x\n",
                "there is no anchor '&defaults' before this alias",
                "write `x-defaults: &defaults` above, with its content below it"
            ),
            (
                "services:\n  a: {image: i}\nvolumes: «[data]»\n", "expected a mapping, found a list",
                "write each name with a colon and without '- ': `data:`"
            ),
            (
                "services:\n  a: {image: i}\nvolumes:\n  «- data:/data»\n", "expected a mapping, found a list",
                "write `data:` alone; mount it on /data in the service"
            ),
            (
                "services:\n  a: {image: i}\nvolumes: {data: «./x»}\n",
                "expected a mapping or nothing, found a string: ./x",
                "write a folder of the host only in the service: `volumes: [\"./x:/data\"]`"
            ),
            (
                "services:\n  a: {image: i}\nvolumes:\n  data:\n  «driver»: local\n",
                "'driver' stands where a name is expected", "indent it further if it belongs to 'data'"
            ),
            (
                "services:\n  a: {image: i}\nnetworks: «front»\n", "expected a mapping, found a string: front",
                "write the name on a line of its own, with a colon: `front:`"
            ),
            (
                "services:\n  a: {image: i}\nsecrets: {s: «./x»}\n", "expected a mapping, found a string: ./x",
                "write {file: ./x}"
            ),
            (
                "services:\n  a: {image: i}\nsecrets: {s: {«value»: x}}\n", "'value' is not an attribute of a secret",
                "write it into a file: `file: ./NAME.txt`, or `environment: NAME`"
            ),
            (
                "services:\n  a: {image: i}\nsecrets: {s: «null»}\n", "expected a mapping, found nothing",
                "write `file: ./NAME.txt` below it, or `external: true`"
            ),
            ("services:\n  a: «nginx»\n", "expected a mapping, found a string: nginx", "write {image: nginx}"),
            (
                "services:\n  a: «\"nginx:1\"»\n", "expected a mapping, found a string: nginx:1",
                "write {image: nginx:1}"
            ),
            (
                "services:«»\n", "expected a mapping, found nothing",
                "write the name of a service on the next line, indented: `web:`"
            ),
            (
                "services:\n  «web/app»: {image: i}\n",
                "'web/app' is not allowed as a name: expected a name of letters, digits, '.', '_' and '-'",
                "write web-app"
            ),
            (
                "include:\n  - «file»: other.yaml\nservices: {a: {image: i}}\n",
                "'file' is not an attribute of an include",
                "did you mean 'path'?"
            ),
            (
                "services:\n  web:\n    image: x\n    depends_on:\n      db:\n      «condition»: service_healthy\n  db: {image: i}\n",
                "'condition' stands where a name is expected", "indent it further if it belongs to 'db'"
            ),
            (
                "services:\n  web:\n«\u{A0}\u{A0}»  image: x\n\u{A0}   ports: []\n",
                "a no-break space (U+00A0) is in the indentation, and on 1 line below",
                "replace each with a plain space: sed -i 's/\\xC2\\xA0/ /g' FILE"
            ),
            (
                "«\u{A0}»services:\n  web:\n    image: x\n", "a no-break space (U+00A0) is in the indentation",
                "replace each with a plain space: sed -i 's/\\xC2\\xA0/ /g' FILE"
            ),
            (
                "services:\n  web:\n«\u{3000}\u{3000}»image: x\n", "the character U+3000 is in the indentation",
                "replace each with a plain space: sed -i 's/\\xE3\\x80\\x80/ /g' FILE"
            ),
        ])
    func forms(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked(marked), .error, message, hint: hint)
    }

    @Test(
        "in a service are told once, where they are, with what to write",
        arguments: [
            ("networks: {default: «[a, b]»}", "expected a mapping or nothing, found a list", "write {aliases: [a, b]}"),
            (
                "networks: {default: «10.0.0.5»}", "expected a mapping or nothing, found a string: 10.0.0.5",
                "write {ipv4_address: 10.0.0.5}"
            ),
            (
                "deploy: {«limits»: {cpus: 1}}", "'limits' is not an attribute of a deployment",
                "write it under 'resources:': `resources: {limits: …}`"
            ),
            ("deploy: {resources: {«cpus»: 1}}", "'cpus' is not an attribute of resources", "write it under 'limits:'"),
            ("deploy: «3»", "expected a mapping or nothing, found an integer: 3", "write {replicas: 3}"),
            ("healthcheck: «[CMD, x]»", "expected a mapping, found a list", "write {test: [CMD, x]}"),
            (
                "healthcheck: «curl x»", "expected a mapping, found a string: curl x",
                "write `test: curl x` on a line of its own"
            ),
            ("logging: «json-file»", "expected a mapping, found a string: json-file", "write {driver: json-file}"),
            (
                "ports: «{\"8080\": 80}»", "expected a list, found a mapping",
                "write each as an item of a list: - \"8080:80\""
            ),
            (
                "volumes: «{data: /data}»", "expected a list, found a mapping",
                "write each as an item of a list: - \"data:/data\""
            ),
            (
                "secrets: «{s: {file: x}}»", "expected a list, found a mapping",
                "write `- s`; define it at the top of the file"
            ),
            ("ulimits: «[nofile=1024]»", "expected a mapping, found a list", "write `nofile: 1024` without the '- '"),
            (
                "depends_on: {b: «service_healthy»}\n  b: {image: i}",
                "expected a mapping, found a string: service_healthy", "write {condition: service_healthy}"
            ),
            (
                "volumes:\n      - «data»: /data", "expected a volume mount, found a mapping with the key 'data'",
                "write `- \"data:/data\"`, without the space after the colon"
            ),
            (
                "volumes: [\"«$(pwd)/x»:/x\"]", "there is no volume '$(pwd)/x'",
                "no shell expands it: start the path with './' or ${PWD}"
            ),
            ("«env»: {A: b}", "'env' is not an attribute of a service", "did you mean 'environment'?"),
            ("«port»: 80", "'port' is not an attribute of a service", "did you mean 'ports'?"),
            ("«dependsOn»: [a]", "'dependsOn' is not an attribute of a service", "write 'depends_on'"),
            ("«memory»: 1g", "'memory' is not an attribute of a service", "did you mean 'mem_limit'?"),
            ("«cpu»: 2", "'cpu' is not an attribute of a service", "did you mean 'cpus'?"),
            (
                "«replicas»: 3", "'replicas' is not an attribute of a service",
                "write `scale: N`, or `deploy: {replicas: N}`"
            ),
            (
                "«limits»: {cpus: 1}", "'limits' is not an attribute of a service",
                "write `deploy: {resources: {limits: …}}`, or `mem_limit` and `cpus`"
            ),
            ("«--name»: x", "'--name' is not an attribute of a service", "did you mean 'container_name'?"),
            (
                "«detach»: true", "'detach' is not an attribute of a service",
                "nothing in the file: `berth up -d` starts in the background"
            ),
            ("«context»: .", "'context' is not an attribute of a service", "it belongs under 'build:'"),
            ("«interval»: 5s", "'interval' is not an attribute of a service", "it belongs under 'healthcheck:'"),
            ("«driver»: local", "'driver' is not an attribute of a service", "it belongs under 'logging:'"),
            ("«x_foo»: 1", "'x_foo' is not an attribute of a service", "a key of your own begins with 'x-': x-foo"),
            (
                "«restart_policy»: always", "'restart_policy' is not an attribute of a service",
                "did you mean 'restart'?"
            ),
            ("«envFrom»: x", "'envFrom' is not an attribute of a service", "did you mean 'env_file'?"),
        ])
    func services(_ marked: String, _ message: String, _ hint: String) {
        checkMarked(Marked("services:\n  a:\n    image: i\n    \(marked)\n"), .error, message, hint: hint)
    }
}
