#!/usr/bin/env bash
# Tells how one host is, a line a fact: `up 2h`, `service NAME`, `state active`, `disk 1%`, `role …`
# (ZooKeeper), `broker ID HOST:PORT`, `controller ID`, `topic NAME<tab>PARTITION<tab>LEADER<tab>
# REPLICAS<tab>IN-SYNC`, and `end` when it has told all.
#
# Inputs: none; runs on a lab host, over SSH, as the login user.
# Idempotence: only looks.
set -uo pipefail

ask_zookeeper() { # FOUR-LETTER-WORD
  # shellcheck disable=SC2016 # the inner shell expands it
  timeout 3 bash -c 'exec 3<>/dev/tcp/localhost/2181 && printf "%s" "$0" >&3 && cat <&3' "$1" 2>/dev/null
}

seconds=$(cut -d . -f 1 /proc/uptime)
started=$(stat -c %Y /proc/1 2>/dev/null) && seconds=$(($(date +%s) - started))
printf 'up %dh%02dm\n' $((seconds / 3600)) $((seconds % 3600 / 60))
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
  if command -v kcat >/dev/null; then
    timeout 8 kcat -L -b localhost:9092 2>/dev/null | awk '
      $1 == "broker" { print "broker " $2 " " $4; if (/controller/) print "controller " $2 }
      $1 == "topic" { topic = $2; gsub(/"/, "", topic) }
      $1 == "partition" { gsub(/, /, "\t"); match($0, /partition [0-9]+/); partition = substr($0, RSTART + 10, RLENGTH - 10)
        leader = $0; sub(/.*leader /, "", leader); sub(/\t.*/, "", leader)
        replicas = $0; sub(/.*replicas: /, "", replicas); sub(/\t.*/, "", replicas)
        isrs = $0; sub(/.*isrs: /, "", isrs); sub(/\t.*/, "", isrs)
        print "topic " topic "\t" partition "\t" leader "\t" replicas "\t" isrs }'
  else
    timeout 15 /usr/local/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server localhost:9092 2>/dev/null |
      sed -n 's/^\([^ ]*:[0-9]*\) (id: \([0-9]*\) .*/broker \2 \1/p'
    timeout 15 /usr/local/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --describe 2>/dev/null |
      sed -n 's/^[[:space:]]*Topic: \([^[:space:]]*\)[[:space:]]*Partition: \([0-9]*\)[[:space:]]*Leader: \([0-9a-z]*\)[[:space:]]*Replicas: \([0-9,]*\)[[:space:]]*Isr: \([0-9,]*\).*/topic \1\t\2\t\3\t\4\t\5/p'
  fi
else
  echo "service -"
  echo "state not installed"
fi
echo end
