import type { Part } from "../part";
import { growth } from "./growth";
import { lab } from "./lab";

/** All parts, in the order in which they are run and reported. */
export const PARTS: Part[] = [lab, growth];
