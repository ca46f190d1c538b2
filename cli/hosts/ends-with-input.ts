/**
 * A script for a POSIX shell that ends the command when the script's input ends. Without it, a consumer would
 * stay on the host when the connection ends. A command that gets SIGTERM can end in order.
 */
export function endsWithInput(command: string): string {
  return [
    "exec 3<&0",
    `${command} </dev/null 3<&- & child=$!`,
    '(trap "exit 0" TERM; cat <&3; kill -TERM $child) >/dev/null 2>&1 & watch=$!',
    "exec 3<&-",
    "wait $child; status=$?",
    "kill $watch 2>/dev/null",
    "exit $status",
  ].join("\n");
}
