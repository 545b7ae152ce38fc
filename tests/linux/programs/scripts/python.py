# Python: threads, sockets, programs, fork, signals, processes that share a queue.
import multiprocessing
import os
import signal
import socket
import subprocess
import threading

total = []
threads = [threading.Thread(target=lambda i=i: total.append(sum(range(i)))) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
one, other = socket.socketpair()
one.send(b"over")
word = other.recv(9).decode()
child = subprocess.run(["sh", "-c", "echo from $0; exit 4", "child"], capture_output=True)
pid = os.fork()
if pid == 0:
    signal.pause()
os.kill(pid, signal.SIGTERM)
status = os.waitpid(pid, 0)[1]
with multiprocessing.Pool(2) as pool:
    numbers = pool.map(abs, [-3, -4])
print("python:", sum(total), word, child.stdout.decode().strip(), child.returncode, status, numbers, flush=True)
signal.pause()
