# busybox's shell: pipes, a subshell's status, a trap.
set -e
cd /tmp
for i in 1 2 3 4 5; do echo $i; done | while read n; do echo $((n * n)) >> squares; done
sum=0
while read n; do sum=$((sum + n)); done < squares
(sleep 0.1; exit 3) & wait $! || code=$?
trap 'echo "shell: $sum $code trapped"' USR1
kill -USR1 $$
sleep 1000
