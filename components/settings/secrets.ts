import { type Check, type Definition, described, type Setting, textsOf } from "./define";
import { isObject, parseJson, scalar } from "./values";

/** What a message shows instead of a secret. */
const SECRET = "[secret]";

/** Secret strings by key. No message contains a value, or a key that is not known. */
export function secrets<N extends string>(
  definition: Definition<N> & {
    rule: {
      text: string;
      /**
       * Returns the rule that a key breaks. It must not contain the key: if somebody writes a value as a
       * key, the key is a secret.
       */
      key: Check<string>;
      /** Returns the rule that a value breaks. It must not contain the value. */
      value: Check<string>;
    };
    example: Record<string, string>;
  },
): Setting<Record<string, string>, N> {
  const { name, rule } = definition;
  return {
    ...described(definition, {}, {}),
    type: "object",
    rule: rule.text,
    isSecret: true,
    example: definition.example,
    read: (raw = "", judge, context) => {
      const all = raw === "" ? {} : parseJson(raw);
      if (!isObject(all)) {
        const remedy = `Set it with: pulumi config set --secret --path kafkalab:${name}.NAME`;
        judge({ rule: "be texts by name", remedy }, SECRET);
        return {};
      }
      const sound = Object.entries(all).filter(
        ([key, value]) =>
          judge(rule.key(key, context), SECRET) &&
          judge(scalar(value) ?? rule.value(String(value), context), SECRET, `${name}.${key}`),
      );
      return textsOf(sound);
    },
  };
}
