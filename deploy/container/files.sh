#!/bin/sh
# Lays out what the image holds: the programs of a directory, each library that they are linked with, the certificates of the
# public authorities, and a user that is nobody.
#
#   files.sh PROGRAMS FILES
#
# FILES/root is what is root's and nobody's to change, FILES/data what belongs to whoever runs in the image.
set -eu
programs=$1
image=$2/root

mkdir -p "$image/usr/bin" "$image/etc/ssl/certs" "$image/var/lib" "$image/tmp" "$2/data/assent"
for program in consent-gateway projection login-hook token-broker consentctl; do
    strip --strip-all -o "$image/usr/bin/$program" "$programs/$program"
    chmod 555 "$image/usr/bin/$program"
    # Also the loader, which is named by its path alone.
    ldd "$image/usr/bin/$program" | grep -o '/[^ ]*' | while read -r library; do
        [ -e "$image$library" ] || install -D -m 555 "$library" "$image$library"
    done
done
install -m 444 /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/"
echo 'assent:x:65532:65532::/:/none' > "$image/etc/passwd"
echo 'assent:x:65532:' > "$image/etc/group"
chmod 444 "$image/etc/passwd" "$image/etc/group"
# The place where the projection writes.
chmod 700 "$2/data/assent"
chmod 1777 "$image/tmp"
