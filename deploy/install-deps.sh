#!/bin/bash
# Installs what a fresh Debian 12 lacks to build, run and test Yichuang. A quick no-op when nothing is missing. Root, or sudo.
set -euo pipefail
cd "$(dirname "$0")"
missing=()
while read -r p; do
	[[ -z $p || $p == \#* ]] && continue
	[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) == ii* ]] || missing+=("$p")
done < packages.txt
# Node.js: any version from 18 on will do, from wherever it came; npm with it.
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ((${#missing[@]} == 0)); then exit 0; fi
sudo=()
if [[ $(id -u) != 0 ]]; then
	command -v sudo >/dev/null || { echo "install-deps: needs root or sudo to install: ${missing[*]}" >&2; exit 1; }
	sudo=(sudo)
fi
echo "install-deps: installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# No package may start a server of its own: tests start private ones.
policy=/usr/sbin/policy-rc.d made=0
if [[ ! -e $policy ]]; then
	printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee $policy >/dev/null && "${sudo[@]}" chmod +x $policy && made=1
fi
trap '[[ $made = 1 ]] && "${sudo[@]}" rm -f $policy' EXIT
"${sudo[@]}" apt-get -o DPkg::Lock::Timeout=540 update -q
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=540 install -y -q --no-install-recommends "${missing[@]}"
