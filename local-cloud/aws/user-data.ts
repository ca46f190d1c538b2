import type { InputsOf } from "./kind";
import type * as kinds from "./kinds";

/** The decoded user data in an instance's inputs. @default empty */
export function userDataOf({
  userData,
  userDataBase64,
}: Pick<InputsOf<typeof kinds.instance>, "userData" | "userDataBase64">): Buffer {
  return userDataBase64 === undefined
    ? Buffer.from(userData ?? "")
    : Buffer.from(userDataBase64, "base64");
}
