/** The exit statuses of all commands. `--help` prints them. */
export const EXIT_STATUS = {
  /** The command succeeded. For `status`: the lab has no problem. */
  done: 0,
  /**
   * The command failed. For `status`: the lab has a problem. For `drill`: a message was lost. For `produce`:
   * Kafka has not acknowledged a record.
   */
  failed: 1,
  /** The command line is wrong, or the lab does not support the command. Nothing has changed. */
  usage: 2,
  /** The user pressed Ctrl-C or answered "no" to a question. */
  interrupted: 130,
} as const;

/** The list of exit codes that `--help` prints. */
export const EXIT_STATUS_HELP = `Exit codes:
  0    done; status: the lab is well
  1    failed; status: something is wrong; drill: something was lost; cost: a price is missing;
       produce: Kafka has not acknowledged every record
  2    unknown command, option or argument; drill: not possible; nothing was done
  130  interrupted, or not confirmed
  A command that ends in another program (pulumi, ssh, vitest, yours in tunnel) has that program's exit code.`;
