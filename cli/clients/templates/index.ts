import { go } from "./go";
import { java } from "./java";
import { kcat } from "./kcat";
import { librdkafka } from "./librdkafka";
import { node } from "./node";
import { python } from "./python";
import { spring } from "./spring";
import type { Template } from "./template";

/** All kinds of client files. */
export const TEMPLATES = { java, librdkafka, python, node, go, kcat, spring } satisfies Record<
  string,
  Template
>;

/** A kind of client file. */
export type ClientKind = keyof typeof TEMPLATES;
