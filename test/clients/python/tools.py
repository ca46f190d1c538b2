"""Runs command-line clients, which have no transactions, and counts what they print. Used by kcat.py and java.py."""

import os
import subprocess
import tempfile
import threading

from common import KEYS, LIMIT_SECONDS, RECORDS, Counts


class SettingsFolder:
    """A folder for the settings of a command, which only this user can read. It lasts as long as the program."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()

    def write(self, name, text):
        """Writes a file, and returns its path."""
        path = os.path.join(self._folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


class Tool:
    """A command that runs. Each line of its output and of its errors goes to a function."""

    def __init__(self, argv, line, error, env=None):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        streams = ((self.process.stdout, line), (self.process.stderr, error))
        self._threads = [threading.Thread(target=self._pass_on, args=each, daemon=True) for each in streams]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _pass_on(stream, take):
        for text in stream:
            take(text.rstrip("\n"))

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def wait(self):
        """Returns the exit status, or None if the command had to be killed at the limit."""
        try:
            status = self.process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = None
        for thread in self._threads:
            thread.join()
        return status

    def stop(self):
        self.process.terminate()
        return self.wait()


def run(counts, argv, text="", line=lambda _: None, error=lambda _: None, env=None):
    """Runs a command to its end. An exit status other than 0 is an error."""
    tool = Tool(argv, line, error, env)
    try:
        tool.write(text)
        tool.end_input()
    except BrokenPipeError:
        pass  # the command ended; its status says why
    status = tool.wait()
    if status != 0:
        counts.error(f"{argv[0].split('/')[-1]}: status {status}")


def run_once(client, version, produce, consume, prepare=lambda counts: None, committed=lambda counts: None):
    """Produces, consumes twice in the group, and returns the report. `committed` reads the group's offsets."""
    counts = Counts()
    prepare(counts)
    produce(counts, range(RECORDS))
    consume(counts, RECORDS)
    of_group = committed(counts)

    # These records come behind the others in each partition, so a second run would read the others first.
    later = Counts()
    produce(later, range(RECORDS, RECORDS + KEYS))
    consume(later, KEYS)
    counts.errors.update(later.errors)

    return counts.report(
        client,
        version,
        withHeaders=counts.with_headers,
        committed=of_group,
        again=len([number for number in later.distinct if number < RECORDS]),
        transaction=None,
    )
