import type { Part } from "../part";
import { fresh } from "./fresh";
import { growth } from "./growth";
import { kafka } from "./kafka";
import { lab } from "./lab";

/** All parts, in the order in which they are run and reported. */
export const PARTS: Part[] = [lab, growth, kafka, fresh];
