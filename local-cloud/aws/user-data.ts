import type { InputsOf } from "./kind";
import type * as kinds from "./kinds";

/** The user data of an instance with these inputs, decoded. @default empty */
export function userDataOf({
  userData,
  userDataBase64,
}: Pick<InputsOf<typeof kinds.instance>, "userData" | "userDataBase64">): Buffer {
  return userDataBase64 === undefined
    ? Buffer.from(userData ?? "")
    : Buffer.from(userDataBase64, "base64");
}
