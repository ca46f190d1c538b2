import type { Part } from "../part";
import { fresh } from "./fresh";
import { growth } from "./growth";
import { kafka } from "./kafka";
import { lab } from "./lab";
import { security } from "./security";

/** All parts, in the order of execution and of the report. */
export const PARTS: Part[] = [lab, growth, kafka, security, fresh];
