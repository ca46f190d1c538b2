#!/bin/bash
# Validates a broker's settings with a release. Comes after kafka-check.sh.
#
# Inputs: those of kafka-check.sh.
# Idempotent: changes nothing.

check_config </dev/null
