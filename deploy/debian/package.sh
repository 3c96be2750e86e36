#!/bin/sh
# Makes a Debian package of programs that are built: the programs, the units, the configuration of NATS, and this documentation.
#
#   package.sh PROGRAMS VERSION DIRECTORY     puts assent_VERSION_ARCHITECTURE.deb into the directory
#
# COMPRESSION=none makes it at once, and large.
set -eu
programs=$1
version=$2
to=$3
deploy=$(cd "$(dirname "$0")/.." && pwd)
architecture=$(dpkg --print-architecture)
# Of the machine that built them: an older C library may lack what they use.
library=$(dpkg-query --show --showformat '${Version}' libc6 | cut -d- -f1)

staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
chmod 755 "$staged"
install -d "$staged/DEBIAN" "$staged/usr/bin" "$staged/usr/lib/systemd/system" "$staged/usr/lib/sysusers.d" \
    "$staged/etc/assent" "$staged/usr/share/doc/assent"
install -d -m 700 "$staged/etc/assent/credentials"
for program in consent-gateway projection login-hook token-broker consentctl; do
    strip --strip-all -o "$staged/usr/bin/$program" "$programs/$program"
    chmod 755 "$staged/usr/bin/$program"
done
install -m 644 "$deploy"/systemd/*.service "$staged/usr/lib/systemd/system/"
install -m 644 "$deploy/systemd/assent.sysusers" "$staged/usr/lib/sysusers.d/assent.conf"
install -m 644 "$deploy/systemd/assent.env" "$deploy/nats/nats-server.conf" "$deploy/nats/production.conf" "$staged/etc/assent/"
cp -R "$deploy/README.md" "$deploy/runbook.md" "$deploy/metrics.md" "$deploy/monitoring" "$deploy/nats" "$staged/usr/share/doc/assent/"
install -m 644 "$deploy/../LICENSE" "$staged/usr/share/doc/assent/copyright"
chmod -R u+rwX,go+rX,go-w "$staged/usr"

# What an administrator changes is kept when the package is replaced.
cat > "$staged/DEBIAN/conffiles" <<'END'
/etc/assent/assent.env
/etc/assent/nats-server.conf
/etc/assent/production.conf
END
cat > "$staged/DEBIAN/control" <<END
Package: assent
Version: $version
Architecture: $architecture
Maintainer: Assent maintainers <maintainers@assent.example>
Section: net
Priority: optional
Depends: libc6 (>= $library), libgcc-s1, ca-certificates, systemd
Installed-Size: $(du -sk "$staged/usr" | cut -f1)
Description: records who consented to what in Microsoft 365
 The services of Assent, their systemd units, the configuration of NATS for them, and consentctl. nats-server itself, 2.12.2 or
 newer, is not part of it. /usr/share/doc/assent/README.md says what to do after installing it.
END
# Nothing is started or restarted: it has to be configured first, and is upgraded one after the other.
cat > "$staged/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    systemd-sysusers assent.conf || true
    [ ! -d /run/systemd/system ] || systemctl daemon-reload || true
fi
END
cat > "$staged/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now consent-gateway projection login-hook token-broker assent-nats || true
fi
END
chmod 755 "$staged/DEBIAN/postinst" "$staged/DEBIAN/prerm"
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$staged" "$to/assent_${version}_$architecture.deb"
