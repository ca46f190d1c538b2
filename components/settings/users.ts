import { type Breach } from "./breach";
import { list } from "./define";
import { breach } from "./rules";
import { secrets } from "./secrets";
import { nearest } from "./spelling";

/** Principals that exist in every lab: that of the lab's own tools, and that of clients without a login. */
const TAKEN = ["kafkalab", "ANONYMOUS"];

export const users = list({
  name: "users",
  default: [],
  each: badName,
  rule: {
    text:
      "hold different names of 1 to 64 letters, digits, dots, underscores and hyphens, but not " +
      TAKEN.join(" or "),
    check: (names) => {
      const twice = names.find((name, index) => names.indexOf(name) < index);
      return twice === undefined
        ? undefined
        : { rule: "hold different names", remedy: `Leave out one ${twice}` };
    },
  },
  text:
    "The users of the cluster, in addition to the lab's own tools. The principal of a user is " +
    "User:NAME. Upper and lower case differ.",
  change:
    "A change restarts nothing. Pulumi creates new users, and removes the users that you leave out. " +
    "It does not change users that somebody else has created.",
  example: ["alice", "bob"],
});

export const userPasswords = secrets({
  name: "userPasswords",
  rule: {
    text:
      "hold, for names of kafkalab:users, passwords of 12 to 128 printable ASCII characters with no " +
      "blank at the ends",
    key: (name, context) => {
      const known = context.get(users);
      const near = nearest(name, known);
      return breach(
        !known.includes(name),
        "hold names of kafkalab:users only",
        near === undefined
          ? "Add the user to kafkalab:users, or leave out the password"
          : `Did you mean ${near}? Correct the name, or leave out the password`,
      );
    },
    value: (password) =>
      breach(
        !/^[\x21-\x7e][\x20-\x7e]{10,126}[\x21-\x7e]$/.test(password),
        "be 12 to 128 printable ASCII characters with no blank at the ends",
        "Take what this prints: openssl rand -base64 24",
      ),
  },
  text:
    "The passwords of users by name, for kafkalab:security sasl. Set each with: pulumi config set --secret " +
    "--path kafkalab:userPasswords.NAME, which asks for the password. Pulumi rejects passwords in the clear. " +
    "The lab makes a password for each user without one.",
  change:
    "A change restarts nothing. Clients that are connected stay connected; new connections need the " +
    "new password.",
  example: { alice: "correct horse battery staple" },
});

/** Rejects a name that a certificate, or the name of a file, cannot have. */
function badName(name: string): Breach | undefined {
  const remedy = "Take one such as alice";
  return (
    breach(
      !/^[a-zA-Z0-9._-]{1,64}$/.test(name),
      "be 1 to 64 letters, digits, dots, underscores and hyphens",
      remedy,
    ) ??
    breach(name === "." || name === "..", "not be . or .., which are no names of files", remedy) ??
    breach(name === "__proto__", "not be __proto__, which JavaScript keeps for itself", remedy) ??
    breach(TAKEN.includes(name), `not be ${TAKEN.join(" or ")}, which every lab has`, remedy)
  );
}
