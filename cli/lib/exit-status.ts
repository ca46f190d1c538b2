/** What the exit status of each command means; `--help` prints it. */
export const EXIT_STATUS = {
  /** The command did what it was asked for; `status`: the lab is well. */
  done: 0,
  /** The command failed; `status`: something is wrong; `drill`: something was lost. */
  failed: 1,
  /** The command line or the kind of lab does not allow the command; nothing was done. */
  usage: 2,
  /** Ctrl-C, or the answer "no" to a question. */
  interrupted: 130,
} as const;

/** The list of exit codes that `--help` prints. */
export const EXIT_STATUS_HELP = `Exit codes:
  0    done; status: the lab is well
  1    failed; status: something is wrong; drill: something was lost; cost: a price is missing
  2    unknown command, option or argument; drill: not possible; nothing was done
  130  interrupted, or not confirmed
  A command that ends in another program (pulumi, ssh, vitest) has that program's exit code.`;
