#!/usr/bin/env bash
# Installs what is missing on this machine, and only that, with its own package manager.
# usage: install.sh run    PostgreSQL 15 or newer, for `make run`
#        install.sh test   the same, and the programs that the tests run against
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }
has_postgres() { go run ./internal/pglocal/find >/dev/null 2>&1; }
has_browser() {
  has chromium || has chromium-browser || has google-chrome || has google-chrome-stable ||
    [ -e "/Applications/Chromium.app" ] || [ -e "/Applications/Google Chrome.app" ]
}
has_cjk() {
  [ "$(uname)" = Darwin ] && return 0 # macOS brings Chinese fonts
  has fc-list && [ -n "$(fc-list :lang=zh-cn family)" ]
}

has_pdf_font() {
  [ -n "${SUNFUND_FONT_DIR:-}" ] || ls /usr/share/fonts/truetype/lxgw-wenkai/*.ttf >/dev/null 2>&1
}

# Go fetches a newer version of itself when go.mod asks for one; without Go nothing below works.
if ! has go; then
  echo "Go is not installed; see https://go.dev/doc/install" >&2
  exit 1
fi
go build -o /dev/null ./internal/pglocal/find # so that a compiler's error is not taken for a missing PostgreSQL

missing=()
has_postgres || missing+=(postgresql)
if [ "${1:-}" = test ]; then
  has_browser || missing+=(chromium)
  has hledger || missing+=(hledger)
  has bean-check || missing+=(beancount)
  has_cjk || missing+=(fonts-noto-cjk)
  # Only where it can be had: the tests of PDF in Chinese are left out, and counted, without it.
  if has apt-get && { [ "$(id -u)" -eq 0 ] || has sudo; } && ! has_pdf_font; then missing+=(fonts-lxgw-wenkai); fi
fi
[ "${#missing[@]}" -eq 0 ] && exit 0
echo "Missing on this machine: ${missing[*]}"

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    echo "Neither root nor sudo: please have ${missing[*]} installed, then try again." >&2
    exit 1
  fi
}
apt_install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" </dev/null; }
candidate() { apt-cache policy "$1" | sed -n 's/^ *Candidate: \([^(].*\)/\1/p'; }

install_postgres_apt() {
  # This package first: told so here, the server's package makes no cluster of its own to run at boot.
  apt_install postgresql-common
  local conf=/etc/postgresql-common/createcluster
  if ! ls -d /etc/postgresql/*/* >/dev/null 2>&1; then
    if grep -q "^include_dir '$conf.d'" "$conf.conf"; then
      as_root mkdir -p "$conf.d"
      conf=$conf.d/sunfund
    fi
    printf '\ncreate_main_cluster = false\n' | as_root tee -a "$conf.conf" >/dev/null
  fi
  local offered
  offered=$(candidate postgresql)
  if [ "${offered%%[!0-9]*}" -ge 15 ]; then
    apt_install postgresql
  else
    # Older releases (Ubuntu 22.04 offers 14): the PostgreSQL project's own archive, set up by Debian's script.
    apt_install ca-certificates
    as_root /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y
    apt_install postgresql-16
  fi
}

install_browser_apt() {
  if [ -n "$(candidate chromium)" ]; then
    apt_install chromium
  else
    apt_install chromium-browser # Ubuntu: a doorway to the snap
  fi
}

if has apt-get; then
  echo "Installing with apt-get."
  as_root apt-get update </dev/null
  for package in "${missing[@]}"; do
    case $package in
      postgresql) install_postgres_apt ;;
      chromium) install_browser_apt ;;
      fonts-noto-cjk) apt_install fontconfig fonts-noto-cjk ;;
      fonts-lxgw-wenkai) apt_install fonts-lxgw-wenkai || echo "No fonts-lxgw-wenkai here: PDF in Chinese is not tested." ;;
      *) apt_install "$package" ;;
    esac
  done
elif has brew; then
  echo "Installing with Homebrew."
  for package in "${missing[@]}"; do
    case $package in
      postgresql) brew install postgresql@16 ;;
      chromium) brew install --cask google-chrome ;;
      *) brew install "$package" ;;
    esac
  done
else
  echo "Neither apt-get nor Homebrew here: please install ${missing[*]} (PostgreSQL 15 or newer), then try again." >&2
  exit 1
fi
go run ./internal/pglocal/find
