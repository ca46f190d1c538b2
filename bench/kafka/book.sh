#!/bin/bash
# A broker with the book's settings, on a host of the lab, instead of the lab's broker.
#
#   start     stops the lab's broker and starts this one
#   pause     stops the lab's broker
#   stop      stops this one, removes its data, and starts the lab's broker again
#
# As in the book, all other settings have Kafka's defaults (docs/differences.md), the heap has the default of
# Apache's launcher, and root runs the broker without a sandbox. Its cluster has a separate chroot in
# ZooKeeper, so that it never sees the lab's topics.
# Inputs: CORNER, the name of the chroot.
# Idempotence: all commands can run again.
set -euo pipefail
unit=kafkalab-bench-book
place=/data/kafkalab-bench-book

systemctl stop "$unit" 2>/dev/null || true
rm -rf "$place"
case $1 in
  start)
    systemctl stop kafka-server
    mkdir "$place"
    sed -e 's#^log\.dirs=.*#log.dirs=/data/kafkalab-bench-book/logs#' \
      -e "s#^\(zookeeper\.connect=.*\)#\1/kafkalab-bench-$CORNER#" \
      -e '/^min\.insync\.replicas=/d' -e '/^default\.replication\.factor=/d' \
      -e '/^auto\.create\.topics\.enable=/d' -e '/^unclean\.leader\.election\.enable=/d' \
      -e '/^controlled\.shutdown\.enable=/d' -e '/^broker\.rack=/d' \
      -e '/^zookeeper\.connection\.timeout\.ms=/d' -e '/^inter\.broker\.protocol\.version=/d' \
      /usr/local/kafka/config/server.properties >"$place/server.properties"
    systemd-run --quiet --collect "--unit=$unit" --property=LimitNOFILE=131072 \
      --property=SuccessExitStatus=143 "--setenv=LOG_DIR=$place" --setenv=JMX_PORT=9999 \
      /usr/local/kafka/bin/kafka-server-start.sh "$place/server.properties"
    ;;
  pause)
    systemctl stop kafka-server
    ;;
  stop)
    systemctl start kafka-server
    ;;
esac
