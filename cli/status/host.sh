#!/usr/bin/env bash
# Reports on one host, one fact per line: its name, then its value. columns.ts lists the facts with a
# column of their own; the others are `role …` (ZooKeeper), `metadata JSON` (Kafka, as kcat prints it),
# and `end` after the last fact.
#
# Inputs: none; runs on a lab host, over SSH, as the login user.
# Idempotence: changes nothing.
set -uo pipefail

ask_zookeeper() { # FOUR-LETTER-WORD
  # shellcheck disable=SC2016 # the inner shell expands it
  timeout 3 bash -c 'exec 3<>/dev/tcp/localhost/2181 && printf "%s" "$0" >&3 && cat <&3' "$1" 2>/dev/null
}

seconds=$(cut -d . -f 1 /proc/uptime)
started=$(stat -c %Y /proc/1 2>/dev/null) && seconds=$(($(date +%s) - started))
echo "up $seconds"
echo "disk $(df --output=pcent /data 2>/dev/null | tail -n 1 | tr -d ' ')"

if [ -e /etc/systemd/system/zookeeper-server.service ]; then
  echo "service zookeeper-server"
  echo "state $(systemctl is-active zookeeper-server)"
  mode=$(ask_zookeeper srvr | sed -n 's/^Mode: //p')
  case $mode in
    leader) echo "role leader, $(ask_zookeeper mntr | awk '$1 == "zk_synced_followers" { print int($2) }') followers in sync" ;;
    "") echo "role not serving" ;;
    *) echo "role $mode" ;;
  esac
elif [ -e /etc/systemd/system/kafka-server.service ]; then
  echo "service kafka-server"
  echo "state $(systemctl is-active kafka-server)"
  # A secured lab has a listener for its own tools (shared/kafka-contact.ts).
  config=/etc/kafkalab/kafka-server.secrets/admin.kcat
  tool=(kcat -b localhost:9092)
  [ ! -r "$config" ] || tool=(kcat -F "$config" -b localhost:9091)
  echo "metadata $(timeout 8 "${tool[@]}" -L -J 2>/dev/null)"
else
  echo "service -"
  echo "state not installed"
fi
echo end
