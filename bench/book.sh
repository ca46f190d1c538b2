#!/usr/bin/env bash
# The book's way: existing bare hosts with names in /etc/hosts, and an Ansible playbook (book/site.yml) that
# installs them. The hosts are the same as in floor.sh, with sshd and Python in addition.
#
#   book.sh up DIRECTORY usual|tuned   creates hosts, runs the playbook, sends a message
#   book.sh play usual|tuned [DIRECTORY]   runs it again, with the configuration in DIRECTORY, if any,
#                                      and waits until all brokers are registered
#   book.sh --remove                   removes the hosts
#
# The first two print the time in seconds, and how many steps of the playbook changed something. The usual
# settings are Ansible's defaults. The tuned settings are below.
#
# Inputs: DIRECTORY, from book-files.ts; .lab/, from the setup.
# Idempotence: `up` first removes existing hosts. It leaves its hosts for `play`.
set -euo pipefail

SIDE=book
# shellcheck source=hosts.sh
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"

progress() {
  say "bench: $*"
}

# Ansible needs Python. Debian's EC2 image contains it for cloud-init, but the lab's image does not.
layer_build() { # DIRECTORY
  progress "installing Python for the book's hosts"
  mkdir "$1/upper" "$1/work" "$1/root"
  # shellcheck disable=SC2016 # expands in the inner shell
  unshare --mount --propagation private bash -euc '
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
    mount -t tmpfs tmpfs "$2/root/tmp"
    mount -t tmpfs tmpfs "$2/root/run"
    mount -t proc proc "$2/root/proc"
    mount --rbind /dev "$2/root/dev"
    # The image expects resolv.conf in this directory.
    mkdir -p "$2/root/run/systemd/resolve"
    cp /etc/resolv.conf "$2/root/run/systemd/resolve/stub-resolv.conf"
    export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
    chroot "$2/root" apt-get -qq update >/dev/null
    chroot "$2/root" apt-get -qq -y install --no-install-recommends python3 >/dev/null
    chroot "$2/root" apt-get clean
    rm -rf "$2/root/var/lib/apt/lists"/*' layer "$(readlink -f "$lab/image")" "$1" >&2
  rm -rf "$1/work" "$1/root"
}

ansible() { # ARGUMENTS OF ansible-playbook...
  local settings=()
  if [ "$mode" = tuned ]; then
    # The playbook needs no facts. Connections stay open longer than by default.
    settings=(ANSIBLE_PIPELINING=true ANSIBLE_FORKS=12 ANSIBLE_GATHERING=explicit
      ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3
      "ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=600s")
  fi
  env "${clean[@]}" "ANSIBLE_CONFIG=$top/ansible.cfg" "ANSIBLE_HOME=$top/ansible" \
    "ANSIBLE_SSH_CONTROL_PATH_DIR=$top/ansible/cp" "${settings[@]}" \
    ip netns exec "$router" "$python" -m ansible.cli.playbook --inventory "$top/inventory" "$@" \
    </dev/null >"$top/ansible.log" 2>&1 || {
    tail -n 30 "$top/ansible.log" >&2
    die "the playbook failed."
  }
}

ssh_to() { # NAME COMMAND
  ip netns exec "$router" ssh -F "$top/ssh_config" -i "$top/key" "admin@$1" "$2" </dev/null
}

# Creates the files of the hosts' owner: a login key, and the host keys.
keys() {
  local directory name seed
  ssh-keygen -q -t ed25519 -N "" -C "" -f "$top/key"
  : >"$top/known_hosts"
  for directory in "$top"/hosts/*; do
    name=${directory##*/}
    # shellcheck source=/dev/null
    . "$directory/host"
    seed=$directory/upper/var/lib/cloud/seed/local-cloud
    mkdir -p "$seed/ssh_keys" "$directory/upper/usr/local/src"
    cp "$top/key.pub" "$seed/public-keys"
    ssh-keygen -q -t ed25519 -N "" -C "" -f "$seed/ssh_keys/ssh_host_ed25519_key"
    echo "$name,${ADDRESS%/*} $(cat "$seed/ssh_keys/ssh_host_ed25519_key.pub")" >>"$top/known_hosts"
    printf 'Host %s\n  HostName %s\n' "$name" "${ADDRESS%/*}" >>"$top/ssh_config"
  done
  cat >>"$top/ssh_config" <<CONFIG
Host *
  UserKnownHostsFile $top/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  IdentityAgent none
  PasswordAuthentication no
  LogLevel ERROR
CONFIG
  : >"$top/ansible.cfg"
}

# Waits until a login is possible.
reachable_host() { # NAME
  until ssh_to "$1" true 2>"$top/hosts/$1/ssh.log"; do
    ((SECONDS < 60)) || die "$1 lets nobody log in after 60 s; last saw: $(cat "$top/hosts/$1/ssh.log")."
    sleep 0.05
  done
}

changed() {
  sed -n 's/^[^ ]* *: ok=.* changed=\([0-9]*\) .*/\1/p' "$top/ansible.log" | paste -sd+ | sed 's/^$/0/'
}

up() { # DIRECTORY
  local entry directory name job jobs=() started
  entry=$(key "$(readlink -f "$lab/image")" "$(declare -f layer_build)")
  entry_make bench-layers "$entry" layer_build
  take_files "$1"
  keys
  started=$EPOCHREALTIME
  network
  for directory in "$top"/hosts/*; do
    host "${directory##*/}" "$cache/bench-layers/$entry/upper" &
  done
  for directory in "$top"/hosts/*; do
    reachable_host "${directory##*/}" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job"
  done
  progress "hosts reachable after $(seconds_since "$started") s"
  ansible "$bench/book/site.yml"
  progress "playbook done after $(seconds_since "$started") s"
  ssh_to "$LAST" "sudo /bench/message.sh whole && sudo /bench/message.sh send" >"$top/message.log" 2>&1 ||
    die "no message went through: $(cat "$top/message.log")"
  seconds_since "$started"
}

play() { # [DIRECTORY]
  local started
  [ $# -eq 0 ] || cp -r "$1/files" "$top/"
  # shellcheck source=/dev/null
  . "$top/network"
  started=$EPOCHREALTIME
  ansible "$bench/book/site.yml"
  ssh_to "$LAST" "sudo /bench/message.sh whole"
  seconds_since "$started"
}

command=$1
shift
if [ "$command" = --remove ]; then
  remove_hosts
  exit
fi
python=$("$bench/python.sh")
# Ignore the user's own settings of Ansible.
mapfile -t clean < <(compgen -e ANSIBLE_ | sed 's/^/--unset=/')
case $command in
  up)
    mode=$2
    up "$1"
    ;;
  play)
    mode=$1
    shift
    play "$@"
    ;;
esac
echo "$(($(changed)))"
