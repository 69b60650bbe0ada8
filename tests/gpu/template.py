"""Trials as an agent starts them: forked from fusor-train's template (docs/trainer_contract.md)."""

import ctypes
import json
import os
import socket
import subprocess

PR_SET_CHILD_SUBREAPER = 36


class TrialFailed(Exception):
    pass


class Template:
    def __init__(self, fusor_train):
        # A trial belongs to whoever started the template.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = f'exec "$0" --template 3<&{theirs.fileno()}'
            self.process = subprocess.Popen(["bash", "-c", command, fusor_train], pass_fds=[theirs.fileno()])
        self.ready = json.loads(self.socket.recv(1 << 16))

    def run(self, folder, recipe, config, **more):
        """One trial: what its facts say. Its log goes to `folder`/log."""
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(os.path.abspath(folder), "job.json")
        job = {"contract": 1, "attempt": 1, "trial": "1.gpu.0", "number": 1, "name": "gpu", "recipe": recipe}
        with open(path, "w") as file:
            json.dump({**job, "config": config, **more}, file)
        facts, facts_there = os.pipe()
        commands_there, commands = os.pipe()
        log = os.open(os.path.join(folder, "log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        request = {"contract": 1, "spawn": 1, "job": path, "data_limit_bytes": 0}
        there = [facts_there, commands_there, log, log]
        socket.send_fds(self.socket, [json.dumps(request).encode()], there)
        answer = json.loads(self.socket.recv(1 << 16))
        for descriptor in set(there):
            os.close(descriptor)
        if "pid" not in answer:
            raise TrialFailed(answer.get("error", "the template gave no answer"))
        with os.fdopen(facts) as lines:
            told = [json.loads(line) for line in lines]
        _, status = os.waitpid(answer["pid"], 0)
        os.close(commands)
        if status != 0:
            failure = [f"{fact['kind']}: {fact['detail']}" for fact in told if fact.get("f") == "failure"]
            raise TrialFailed((failure or [f"status {os.waitstatus_to_exitcode(status)}"])[0])
        return told

    def close(self):
        self.socket.close()
        self.process.wait()


def metrics_of(told):
    """name -> values in the order of steps"""
    values = {}
    for fact in told:
        if fact.get("f") == "metrics":
            for name, value in fact["v"].items():
                values.setdefault(name, []).append(value)
        if fact.get("f") == "columns":
            for name, column in zip(fact["names"], fact["v"]):
                values.setdefault(name, []).extend(column)
    return values
