import YAML

/// Names that people know from `docker run`, Kubernetes and other formats, where the format has another name.
enum Habits {
    /// What to write instead of a name that `record` does not have.
    struct Advice {
        /// The right attribute, if `record` has it.
        var attribute: String?
        var hint: String
    }

    static func advice(_ name: String, in record: Record) -> Advice? {
        let word = name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " }
        if name != word || record[word] == nil, let same = record.attributes.first(where: { plain($0.name) == word }) {
            return Advice(attribute: same.name, hint: "write '\(same.name)'")
        }
        if let meant = words(of: record)[word] {
            if record[meant] != nil { return Advice(attribute: meant, hint: "did you mean '\(meant)'?") }
            return Advice(attribute: nil, hint: meant)
        }
        if name.hasPrefix("x_") || name.hasPrefix("X-") || name.hasPrefix("_"), record.allowsExtensions {
            return Advice(attribute: nil, hint: "a key of your own begins with 'x-': x-\(word.drop { $0 == "x" })")
        }
        return nil
    }

    private static func plain(_ name: String) -> String { name.filter { $0 != "_" && $0 != "-" } }

    private static func words(of record: Record) -> [String: String] {
        switch ObjectIdentifier(record) {
        case ObjectIdentifier(Format.service): service
        case ObjectIdentifier(Format.file): file
        case ObjectIdentifier(Format.deploy): deploy
        case ObjectIdentifier(Format.build): build
        case ObjectIdentifier(Format.healthcheck): healthcheck
        case ObjectIdentifier(Format.port): port
        case ObjectIdentifier(Format.serviceVolume): mount
        case ObjectIdentifier(Format.dependency): dependency
        case ObjectIdentifier(Format.network): network
        case ObjectIdentifier(Format.networkAttachment): attachment
        case ObjectIdentifier(Format.volume): volume
        case ObjectIdentifier(Format.secret): secret
        case ObjectIdentifier(Format.config): config
        case ObjectIdentifier(Format.logging): logging
        case ObjectIdentifier(Format.envFile): envFile
        case ObjectIdentifier(Format.extends): extends
        case ObjectIdentifier(Format.fileReference): fileReference
        case ObjectIdentifier(Format.include): include
        default:
            record.title == "resources"
                ? resources : record.title == "limits" || record.title == "reservations" ? limits : [:]
        }
    }

    private static let service = [
        "img": "image", "images": "image", "containerimage": "image", "dockerimage": "image", "from": "image",
        "baseimage": "image", "tag": "write the tag after the image: `image: NAME:TAG`", "env": "environment",
        "envs": "environment", "environments": "environment", "environmentvariables": "environment",
        "vars": "environment", "variables": "environment", "envvars": "environment", "envfiles": "env_file",
        "envfrom": "env_file", "port": "ports", "publish": "ports", "published": "ports", "portmappings": "ports",
        "volume": "volumes", "mount": "volumes", "mounts": "volumes", "volumemounts": "volumes", "bind": "volumes",
        "binds": "volumes", "cmd": "command", "args": "command", "arguments": "command", "run": "command",
        "exec": "command", "entry": "entrypoint", "depends": "depends_on", "dependencies": "depends_on",
        "dependon": "depends_on", "requires": "depends_on", "needs": "depends_on", "after": "depends_on",
        "name": "container_name", "container": "container_name", "host": "hostname", "workdir": "working_dir",
        "workingdirectory": "working_dir", "cwd": "working_dir", "memory": "mem_limit", "mem": "mem_limit",
        "memorylimit": "mem_limit", "ram": "mem_limit", "memoryreservation": "mem_reservation", "cpu": "cpus",
        "cpulimit": "cpus", "cpulimits": "cpus", "restartpolicy": "restart",
        "replicas": "write `scale: N`, or `deploy: {replicas: N}`", "instances": "scale", "network": "networks",
        "net": "network_mode", "health": "healthcheck", "healthchecks": "healthcheck", "livenessprobe": "healthcheck",
        "readinessprobe": "healthcheck", "startupprobe": "healthcheck",
        "logdriver": "write `logging: {driver: NAME}`", "logopt": "write `logging: {options: {…}}`",
        "logopts": "write `logging: {options: {…}}`", "log": "logging", "logs": "logging", "capabilities": "cap_add",
        "caps": "cap_add", "gpu": "gpus", "pullpolicy": "pull_policy", "imagepullpolicy": "pull_policy",
        "security": "security_opt", "securitycontext": "security_opt", "securityoptions": "security_opt",
        "addhost": "extra_hosts", "hosts": "extra_hosts", "extrahost": "extra_hosts", "link": "links",
        "limits": "write `deploy: {resources: {limits: …}}`, or `mem_limit` and `cpus`",
        "resources": "write it under 'deploy:': `deploy: {resources: …}`",
        "reservations": "write `deploy: {resources: {reservations: …}}`",
        "detach": "nothing in the file: `berth up -d` starts in the background",
        "rm": "nothing in the file: `berth run --rm` removes what it made", "interactive": "stdin_open",
        "stdin": "stdin_open", "it": "write `stdin_open: true` and `tty: true`", "terminal": "tty",
        "readonly": "read_only", "readonlyrootfilesystem": "read_only", "privilege": "privileged", "uid": "user",
        "runas": "user", "runasuser": "user", "group": "group_add", "groups": "group_add", "ulimit": "ulimits",
        "sysctl": "sysctls", "device": "devices", "label": "labels", "annotation": "annotations", "profile": "profiles",
        "secret": "secrets", "config": "configs",
        "ip": "write it under 'networks:': `networks: {NAME: {ipv4_address: …}}`",
        "ipaddress": "write it under 'networks:': `networks: {NAME: {ipv4_address: …}}`",
        "ipv4address": "write it under 'networks:': `networks: {NAME: {ipv4_address: …}}`",
        "aliases": "write it under 'networks:': `networks: {NAME: {aliases: [NAME]}}`",
        "networkalias": "write it under 'networks:': `networks: {NAME: {aliases: [NAME]}}`", "dnsserver": "dns",
        "dnsservers": "dns", "mac": "mac_address", "shm": "shm_size", "tmp": "tmpfs",
        "stoptimeout": "stop_grace_period",
        "terminationgraceperiodseconds": "stop_grace_period", "signal": "stop_signal", "extend": "extends",
        "restartalways": "write `restart: always`", "autorestart": "write `restart: always`",
        "enabled": "give a service that you need only sometimes `profiles: [NAME]`",
        "disabled": "give a service that you need only sometimes `profiles: [NAME]`",
        "description": "write it as a comment, after '#', or as `x-description`",
        "comment": "write it as a comment, after '#', or as `x-comment`",
        "d": "nothing in the file: `berth up -d` starts in the background",
        "p": "ports", "v": "volumes", "e": "environment", "w": "working_dir", "u": "user", "h": "hostname",
        "l": "labels",
        "m": "mem_limit", "t": "tty", "i": "stdin_open", "type": "remove it: every service is one",
        "containers": "one service is one container: write what is in it beside 'image'", "ports:": "ports",
        "volumedriver": "write `driver: NAME` in the top-level 'volumes'",
        "cputhreads": "cpus", "memlimits": "mem_limit", "replica": "scale", "domain": "domainname",
    ]

    private static let file = [
        "service": "services", "servces": "services", "containers": "services", "apps": "services", "volume": "volumes",
        "network": "networks", "secret": "secrets", "config": "configs", "model": "models", "includes": "include",
        "import": "include", "project": "name", "projectname": "name",
        "env": "variables belong to a service, as its 'environment', or into .env",
        "environment": "variables belong to a service, or into .env",
        "envfile": "it belongs to a service, or `berth --env-file FILE`",
        "defaults":
            "put shared settings under your own key, `x-defaults: &defaults`, and merge them with `<<: *defaults`",
        "common": "put shared settings under your own key, `x-common: &common`, and merge them with `<<: *common`",
    ]

    private static let deploy = [
        "limits": "write it under 'resources:': `resources: {limits: …}`",
        "reservations": "write it under 'resources:': `resources: {reservations: …}`",
        "restart": "restart_policy", "scale": "replicas", "instances": "replicas", "replica": "replicas",
        "count": "replicas", "resource": "resources", "update": "update_config", "rollback": "rollback_config",
        "cpus": "write `resources: {limits: {cpus: N}}`", "cpu": "write `resources: {limits: {cpus: N}}`",
        "memory": "write `resources: {limits: {memory: N}}`", "mem": "write `resources: {limits: {memory: N}}`",
        "memlimit": "write `resources: {limits: {memory: N}}`",
        "constraints": "write `placement: {constraints: [...]}`",
        "label": "labels", "devices": "write `resources: {reservations: {devices: [...]}}`",
        "gpus": "write it in the service, beside 'deploy:'",
    ]

    private static let limits = [
        "cpu": "cpus", "cores": "cpus", "mem": "memory", "memlimit": "memory", "ram": "memory", "memorylimit": "memory",
        "pidslimit": "pids", "device": "devices", "gpus": "devices", "gpu": "devices",
        "replicas": "write it under 'deploy:'",
    ]

    private static let build = [
        "path": "context", "dir": "context", "directory": "context", "folder": "context", "src": "context",
        "source": "context", "root": "context", "file": "dockerfile", "filename": "dockerfile", "arg": "args",
        "arguments": "args", "buildargs": "args", "buildarg": "args", "stage": "target", "platform": "platforms",
        "tag": "tags", "label": "labels", "image": "write 'image' in the service, beside 'build:'",
        "cachefroms": "cache_from", "nocaches": "no_cache", "env": "args", "environment": "args",
    ]

    private static let healthcheck = [
        "command": "test", "cmd": "test", "exec": "test", "check": "test", "url": "write `test: [CMD, curl, -f, URL]`",
        "http": "write `test: [CMD, curl, -f, URL]`", "httpget": "write `test: [CMD, curl, -f, URL]`",
        "period": "interval", "every": "interval", "periodseconds": "interval", "timeoutseconds": "timeout",
        "delay": "start_period", "initialdelay": "start_period", "initialdelayseconds": "start_period",
        "attempts": "retries", "retry": "retries", "failurethreshold": "retries", "tries": "retries",
        "enabled": "disable", "disabled": "disable",
    ]

    private static let port = [
        "host": "published", "hostport": "published", "source": "published", "public": "published",
        "publish": "published", "external": "published", "publishedport": "published", "container": "target",
        "containerport": "target", "port": "target", "private": "target", "internal": "target", "targetport": "target",
        "ip": "host_ip", "address": "host_ip", "bind": "host_ip", "type": "protocol", "proto": "protocol",
    ]

    private static let mount = [
        "src": "source", "host": "source", "from": "source", "name": "source", "hostpath": "source", "dst": "target",
        "destination": "target", "dest": "target", "container": "target", "mountpath": "target", "path": "target",
        "to": "target", "ro": "read_only", "mode": "read_only",
        "driver": "set the driver of a volume in the top-level 'volumes'",
        "driveropts": "set the driver of a volume in the top-level 'volumes'",
        "external": "it belongs to the volume in the top-level 'volumes'", "nocopy": "write it under 'volume:'",
        "size": "write it under 'tmpfs:'", "propagation": "write it under 'bind:'",
        "createhostpath": "write it under 'bind:'", "subpath": "write it under 'volume:'",
    ]

    private static let dependency = [
        "status": "condition", "when": "condition", "state": "condition", "conditions": "condition",
        "require": "required",
        "optional": "write `required: false`", "restarts": "restart",
    ]

    private static let network = [
        "subnet": "write `ipam: {config: [{subnet: …}]}`", "gateway": "write `ipam: {config: [{gateway: …}]}`",
        "iprange": "write `ipam: {config: [{ip_range: …}]}`", "config": "write it under 'ipam:'", "type": "driver",
        "options": "driver_opts", "opts": "driver_opts", "driveroptions": "driver_opts", "ipv6": "enable_ipv6",
        "ipv4": "enable_ipv4", "label": "labels", "mtu": "write `driver_opts: {com.docker.network.driver.mtu: …}`",
        "aliases": "aliases belong to a service: `networks: {NAME: {aliases: [NAME]}}`",
        "ipv4address": "an address belongs to a service: `networks: {NAME: {ipv4_address: …}}`",
    ]

    private static let attachment = [
        "ip": "ipv4_address", "ipaddress": "ipv4_address", "address": "ipv4_address", "ipv4": "ipv4_address",
        "ipv6": "ipv6_address", "alias": "aliases", "mac": "mac_address", "name": "aliases",
        "interface": "interface_name",
    ]

    private static let volume = [
        "options": "driver_opts", "opts": "driver_opts", "driveroptions": "driver_opts", "driveropt": "driver_opts",
        "type": "write it under 'driver_opts:'", "device": "write it under 'driver_opts:'",
        "o": "write it under 'driver_opts:'", "label": "labels",
        "path": "for a folder of the host write it in the service: `volumes: [\"./data:/data\"]`",
        "source": "for a folder of the host write it in the service: `volumes: [\"./data:/data\"]`",
        "target": "say in the service where to mount it: `volumes: [\"NAME:/data\"]`",
        "mountpoint": "for a folder of the host write it in the service: `volumes: [\"./data:/data\"]`",
    ]

    private static let secret = [
        "path": "file", "filename": "file", "source": "file", "env": "environment", "variable": "environment",
        "content": "write it into a file: `file: ./NAME.txt`, or `environment: NAME`",
        "value": "write it into a file: `file: ./NAME.txt`, or `environment: NAME`",
    ]

    private static let config = [
        "path": "file", "filename": "file", "source": "file", "env": "environment", "data": "content",
        "value": "content",
        "text": "content", "contents": "content",
    ]

    private static let logging = [
        "opts": "options", "opt": "options", "option": "options", "type": "driver", "name": "driver",
        "maxsize": "write it under 'options:'", "maxfile": "write it under 'options:'",
        "tag": "write it under 'options:'", "level": "write it under 'options:'",
    ]

    private static let include = [
        "file": "path", "env": "env_file", "dir": "project_directory", "directory": "project_directory",
    ]

    private static let resources = [
        "cpus": "write it under 'limits:'", "cpu": "write `limits: {cpus: N}`", "memory": "write it under 'limits:'",
        "mem": "write `limits: {memory: N}`", "pids": "write it under 'limits:'", "limit": "limits",
        "reservation": "reservations", "requests": "reservations", "memlimit": "write `limits: {memory: N}`",
        "devices": "write it under 'reservations:'", "replicas": "it belongs under 'deploy:'",
    ]

    private static let envFile = ["file": "path", "name": "path", "optional": "write `required: false`"]

    private static let extends = ["name": "service", "from": "file", "path": "file", "base": "service"]

    private static let fileReference = [
        "name": "source", "src": "source", "secret": "source", "config": "source", "path": "target", "file": "target",
        "destination": "target", "user": "uid", "owner": "uid", "group": "gid", "permissions": "mode",
    ]
}
