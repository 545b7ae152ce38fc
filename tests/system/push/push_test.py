"""Replaces an application of a running system as mix kos.push does, and tries everything that must be refused."""

import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ed25519
from link import Link
from kos import image, processes, qemu, run_command, system_image
from kos.common import BUILD, TOP, output_of
from kos.results import Results, kernel

HERE = Path(__file__).resolve().parent
KEY = BUILD / "cache/keys/development.key"
PACKAGE = struct.Struct("<16s32s32sQII192s")
SIGNED = PACKAGE.size + 64
PIECE = 24576
PATIENCE_S = 120


def seed():
    data = KEY.read_bytes()
    return data if len(data) == 32 else bytes.fromhex(data.decode())


class Package:
    """What kos-manifest makes of the system with another program, or with other lines in it."""

    def __init__(self, folder, binary, change=lambda text: text, domain="push_subject"):
        text = (HERE / "system.toml").read_text()
        text = text.replace('path = "subject"', f'path = "{HERE / "subject"}"\nbinary = "{binary}.elf"')
        text = text.replace('path = "caller"', f'path = "{HERE / "caller"}"')
        description, output = folder / "system.toml", folder / "package"
        description.write_text(change(text))
        output_of([system_image.MANIFEST, "package", description, "--domain", domain, "-o", output,
                   "--programs", system_image.PROGRAMS, "--services", TOP / "services", "--services", TOP / "drivers"])
        data = output.read_bytes()
        self.announcement, self.program = data[:SIGNED], data[SIGNED:]

    def signed_again(self, key, **fields):
        """Its announcement with other fields, signed with `key`."""
        names = ("context", "domain", "system", "sequence", "count", "reserved", "files")
        values = dict(zip(names, PACKAGE.unpack(self.announcement[:PACKAGE.size]))) | fields
        text = PACKAGE.pack(*(values[name] for name in names))
        return text + ed25519.sign(key, text)

    def pieces(self):
        return [self.program[at:at + PIECE] for at in range(0, len(self.program), PIECE)]


class Test:
    def __init__(self, results, socket, folder):
        self.results, self.socket, self.folder = results, socket, folder
        self.link = Link(socket, seed())
        self.first = Package(folder, "push_subject_good")

    def equal(self, name, got, expected):
        self.results.add(name, None if got == expected else f"{got!r}, expected {expected!r}")

    def push(self, announcement):
        return self.link.command("push " + announcement.hex())[-1]

    def send(self, package):
        """Announces and sends all of it."""
        answer = self.push(package.announcement)
        for piece in package.pieces() if answer.startswith("ok") else ():
            answer = self.link.data(piece)
            if not answer.startswith("ok"):
                break
        return answer

    def until(self, name, condition):
        """Asks for the list of domains until the condition holds for it."""
        deadline = time.monotonic() + PATIENCE_S
        domains = {}
        while time.monotonic() < deadline:
            domains = self.link.domains()
            if condition(domains):
                self.results.add(name)
                return domains
            time.sleep(0.3)
        self.results.add(name, f"not in {PATIENCE_S} s: {domains}")
        return domains

    def until_logged(self, name, text, count=1):
        deadline = time.monotonic() + PATIENCE_S
        lines = []
        while time.monotonic() < deadline:
            lines = [" ".join(line) for line in self.link.log()[1]]
            if sum(text in line for line in lines) >= count:
                self.results.add(name)
                return
            time.sleep(0.3)
        self.results.add(name, f"no {text!r} in {lines[-8:]}")

    def refusals(self):
        """Nothing of this replaces anything."""
        good, own, other = self.first, seed(), bytes(range(32))
        self.equal("another key", self.push(good.signed_again(other)), "error BAD_REQUEST")
        for at in (0, 17, 60, 90, 130, PACKAGE.size, SIGNED - 1):
            altered = bytearray(good.announcement)
            altered[at] ^= 1
            self.equal(f"byte {at} altered", self.push(bytes(altered)), "error BAD_REQUEST")
        self.equal("cut off", self.push(good.announcement[:-1]), "error BAD_REQUEST")
        more_memory = Package(self.folder, "push_subject_good", lambda text: text + 'memory = "512K"\n')
        self.equal("more memory for another domain", self.push(more_memory.announcement), "error CONFLICT")
        more_rights = Package(self.folder, "push_subject_good", lambda text: text.replace(
            'binary = "push_subject_good.elf"', 'binary = "push_subject_good.elf"\nuses = [{ port = "console" }]'))
        self.equal("another port", self.push(more_rights.announcement), "error CONFLICT")
        self.equal("nobody", self.push(good.signed_again(own, domain=b"nobody")), "error NOT_FOUND")
        for service in (b"devlink", b"appman", b"entropy"):
            self.equal(f"the service {service.decode()}", self.push(good.signed_again(own, domain=service)), "error UNAUTHORIZED")
        two_files = bytearray(PACKAGE.unpack(good.announcement[:PACKAGE.size])[6])
        two_files[48:96] = two_files[:48]
        two_files[48] = 4
        self.equal("an image that the domain has not",
                   self.push(good.signed_again(own, count=2, files=bytes(two_files))), "error NOT_FOUND")
        large = Package(self.folder, "push_subject_large")
        answer = self.push(large.announcement).split()
        self.equal("too large", answer[:2], ["error", "FULL"])
        self.equal("how large, and the room", (int(answer[4]) > int(answer[5]), answer[5]), (True, str(4 << 20)))
        self.equal("data that nobody announced", self.link.data(b"x"), "error UNAUTHORIZED")
        self.equal("a commit of nothing", self.link.command("commit")[-1], "error CONFLICT")

    def half_a_push(self):
        good = self.first
        self.equal("a good package is announced", self.push(good.announcement).split()[0], "ok")
        pieces = good.pieces()
        self.equal("a piece", self.link.data(pieces[0]).split()[0], "ok")
        self.equal("half is no version", self.link.command("commit")[-1], "error CONFLICT")
        # The developer's machine goes away in the middle of a line.
        self.push(good.announcement)
        self.link.socket.sendall(b"data AAAA")
        self.link.close()
        self.link = Link(self.socket, seed())
        self.equal("what was cut off is over", self.link.data(pieces[0]), "error UNAUTHORIZED")
        altered = bytearray(good.program)
        altered[len(altered) // 2] ^= 1
        self.push(good.announcement)
        last = ""
        for at in range(0, len(altered), PIECE):
            last = self.link.data(bytes(altered[at:at + PIECE]))
        self.equal("altered bytes", last, "error INVALID_ARGUMENT")
        self.equal("too many bytes", [self.link.data(piece).split()[0] for piece in good.pieces()][-1], "ok")
        self.equal("more than all", self.link.data(b"x"), "error CONFLICT")

    def run(self):
        before = self.until("the system runs", lambda domains: all(state[0] == 3 for name, state in domains.items() if name != "appman"))
        self.until_logged("the boot image's version answers", "version 1 answers")
        self.refusals()
        self.half_a_push()
        after = self.link.domains()
        self.equal("nothing was restarted by all of this", {name: state[2:] for name, state in after.items()},
                   {name: state[2:] for name, state in before.items()})
        self.replace(before)
        self.fall_back()
        self.drop()

    def replace(self, before):
        started = time.monotonic()
        good = Package(self.folder, "push_subject_good")
        self.equal("all of it arrives while it is called", self.send(good).split()[0], "ok")
        self.equal("it is committed", self.link.command("commit")[-1].split()[0], "ok")
        domains = self.until("it runs", lambda domains: domains["push_subject"][4] != 0 and domains["push_subject"][0] == 3)
        self.results.record({"row": "push of a native application", "value": round(time.monotonic() - started, 2), "unit": "s"})
        self.until_logged("it answers", "version 2 answers")
        self.equal("one start more", domains["push_subject"][2], before["push_subject"][2] + 1)
        self.equal("the others are undisturbed", self.others(domains), self.others(before))
        self.equal("the same package again", self.push(good.announcement), "error INVALID_ARGUMENT")
        self.equal("an older one", self.push(self.first.announcement), "error INVALID_ARGUMENT")
        self.link.command("restart push_subject")
        self.until("a restart does not change the version",
                   lambda found: found["push_subject"][2] > domains["push_subject"][2] and found["push_subject"][4] != 0)

    @staticmethod
    def others(domains):
        return {name: state[2:4] for name, state in domains.items() if name != "push_subject"}

    def fall_back(self):
        bad = Package(self.folder, "push_subject_bad")
        self.equal("one that cannot start arrives", self.send(bad).split()[0], "ok")
        self.link.command("commit")
        self.until_logged("it fails three times and is given up", "has failed 3 times")
        self.until("the boot image's version is back", lambda domains: domains["push_subject"][0] == 3 and domains["push_subject"][4] == 0)
        self.until_logged("and answers", "version 1 answers", 2)

    def drop(self):
        # Each version that came before has left its memory: 4 MiB hold many in turn, not at a time.
        for _ in range(3):
            self.send(Package(self.folder, "push_subject_good"))
            self.equal("another push", self.link.command("commit")[-1].split()[0], "ok")
            self.until("runs", lambda domains: domains["push_subject"][4] != 0 and domains["push_subject"][0] == 3)
        self.equal("drop", self.link.command("drop push_subject")[-1], "ok")
        self.until("the boot image's version again", lambda domains: domains["push_subject"][4] == 0 and domains["push_subject"][0] == 3)
        errors = [" ".join(line) for line in self.link.log()[1] if "failed:" in " ".join(line)]
        self.equal("no call has failed otherwise", errors, [])


def main():
    results = Results()
    path, cores = kernel()
    with tempfile.TemporaryDirectory(prefix="kos-push-") as name:
        folder = Path(name)
        packed = image.pack(path, system_image.compile_system(HERE / "system.toml"), cores)
        socket = folder / "link"
        words = qemu.command(packed, cores) + run_command.link_devices(socket)
        log = open(folder / "console", "wb+")
        process = processes.start(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            Test(results, socket, folder).run()
        except OSError as error:
            results.add("the link", str(error))
        finally:
            processes.stop(process)
            log.seek(0)
            print(log.read().decode(errors="replace").replace("\x1e", ""), flush=True)
            log.close()
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
