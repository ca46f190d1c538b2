import { acls } from "./acls";
import { quotas } from "./quotas";
import { userPasswords, users } from "./users";

/** The settings of users and of what they may do. */
export const ACCESS = [users, userPasswords, acls, quotas] as const;
