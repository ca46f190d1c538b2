import { readUserData } from "../../../local-cloud/machine/cloud-init";
import type { Registration } from "../../../cli/dry-run/registration";
import type { Graph } from "./graph";

/** A text among the inputs of a resource. */
interface Text {
  text: string;
  /** Whether Pulumi keeps it secret. */
  isSecret: boolean;
}

/** Long enough to hold a secret. */
const BASE64 = /[A-Za-z0-9+/]{16,}={0,2}/g;

/** The names of the resources whose inputs hold a value, also in base64 or in user data. */
export async function placesOf({ resources }: Graph, value: string): Promise<string[]> {
  return (await holders(resources, value)).map(({ name }) => name).sort();
}

/** The names of the resources of which Pulumi would show a value. */
export async function leaksOf({ resources }: Graph, value: string): Promise<string[]> {
  const found = await holders(resources, value);
  return found.filter(({ isSecret }) => !isSecret).map(({ name }) => name);
}

async function holders(resources: Registration[], value: string) {
  const found = await Promise.all(
    resources.map(async (resource) => {
      const texts = (await textsOf(resource)).filter(({ text }) => text.includes(value));
      const isSecret = texts.every((each) => each.isSecret);
      return texts.length === 0 ? [] : [{ name: resource.name, isSecret }];
    }),
  );
  return found.flat();
}

/** What is known of a resource, since several values are looked for. */
const known = new WeakMap<Registration, Promise<Text[]>>();

function textsOf(resource: Registration): Promise<Text[]> {
  const texts = known.get(resource) ?? readTexts(resource);
  known.set(resource, texts);
  return texts;
}

async function readTexts({ inputs, secrets }: Registration): Promise<Text[]> {
  const isSecret = (path: string) =>
    secrets.some(
      (secret) => path === secret || [".", "["].some((end) => path.startsWith(secret + end)),
    );
  return Promise.all(
    leaves(inputs, "").map(async ([path, text]) => ({
      text: `${text}\n${decoded(text)}\n${path.endsWith("userData") ? await hostTexts(text) : ""}`,
      isSecret: isSecret(path),
    })),
  );
}

/** The texts below a value, each with its path as in `Registration.secrets`. */
function leaves(value: unknown, path: string): [string, string][] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => leaves(item, `${path}[${index}]`));
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) =>
      leaves(item, path === "" ? key : `${path}.${key}`),
    );
  }
  return typeof value === "string" ? [[path, value]] : [];
}

function decoded(text: string): string {
  return (text.match(BASE64) ?? []).map((word) => Buffer.from(word, "base64").toString()).join();
}

async function hostTexts(userData: string): Promise<string> {
  const { config, scripts } = await readUserData(Buffer.from(userData));
  return [JSON.stringify(config), ...scripts.map(({ text }) => text)].join("\n");
}
