# coreutils: sort, split, links, sizes, file systems.
cd /tmp
seq 1 20000 > n
largest=$(sort -rn n | head -n 3)
split -n 4 n part
sum=$(cat part* | sha256sum | cut -c1-16)
ln -s n l
echo coreutils: $largest $sum $(readlink -f l) $(du -b n | cut -f1) $(df --output=fstype /tmp | tail -n 1)
sleep 1000
