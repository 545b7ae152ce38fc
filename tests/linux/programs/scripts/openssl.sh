# OpenSSL: its speed test (signals end each measurement), a key, a signature.
cd /tmp
speed=$(openssl speed -seconds 1 -bytes 1024 sha256 2>/dev/null | grep -c ^sha256)
openssl genpkey -algorithm ed25519 -out key
echo text > text
openssl pkeyutl -sign -rawin -in text -inkey key -out signature
echo openssl: speed $speed, $(openssl pkeyutl -verify -rawin -in text -inkey key -sigfile signature)
sleep 1000
