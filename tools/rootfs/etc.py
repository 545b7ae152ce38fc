"""The files and folders that every root has, and that Debian makes when it installs a system."""

import struct

# Debian's numbers of the users and groups that programs look up.
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""

GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
utmp:x:43:
staff:x:50:
users:x:100:
nogroup:x:65534:
"""

NSSWITCH = """\
passwd:         files
group:          files
shadow:         files
hosts:          files dns
networks:       files
protocols:      files
services:       files
"""

FOLDERS = {
    "dev": 0o755, "etc": 0o755, "home": 0o755, "mnt": 0o755, "opt": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755,
    "sys": 0o555, "tmp": 0o1777, "usr/bin": 0o755, "usr/lib": 0o755, "usr/sbin": 0o755, "usr/local/bin": 0o755,
    "var/cache": 0o755, "var/lib": 0o755, "var/log": 0o755, "var/tmp": 0o1777,
}
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "var/run": "/run"}


def add_base(tree):
    """Before any package: the folders, and the links that make /bin and /usr/bin one, as in every Debian 12."""
    for name, mode in FOLDERS.items():
        tree.folder(name, mode)
    for name, target in LINKS.items():
        tree.link(name, target)


def add_files(tree, hostname, nameservers, timezone):
    """After the packages: what none of them brought."""
    files = {
        "etc/passwd": PASSWD,
        "etc/group": GROUP,
        "etc/nsswitch.conf": NSSWITCH,
        "etc/hosts": f"127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n127.0.1.1 {hostname}\n",
        "etc/host.conf": "multi on\n",
        "etc/hostname": f"{hostname}\n",
        "etc/resolv.conf": "".join(f"nameserver {server}\n" for server in nameservers),
        "etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
        "etc/shells": "/bin/sh\n",
    }
    for name, text in files.items():
        if tree.get(name) is None:
            tree.file(name, text)
    if tree.get("etc/localtime") is None:
        zone = f"usr/share/zoneinfo/{timezone}"
        if tree.get(zone) is not None:
            tree.link("etc/localtime", f"/{zone}")
            tree.file("etc/timezone", f"{timezone}\n")
        else:
            tree.file("etc/localtime", utc_file())
    add_certificates(tree)


def add_certificates(tree):
    """What the package ca-certificates makes when it is installed: all authorities that it ships in one file."""
    place = "etc/ssl/certs/ca-certificates.crt"
    files = [tree.get(name) for name in sorted(tree.children("usr/share/ca-certificates/mozilla"))]
    texts = [node.data if isinstance(node.data, bytes) else node.data.encode() for node in files if node and node.kind == "file"]
    if texts and tree.get(place) is None:
        tree.file(place, b"".join(text.rstrip(b"\n") + b"\n" for text in texts), origin="ca-certificates")


def utc_file():
    """A time zone file for UTC (RFC 8536): one type of local time, no transitions."""
    def block():
        return (b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, 4) + struct.pack(">iBB", 0, 0, 0) + b"UTC\0")
    return block() + block() + b"\nUTC0\n"
