import { testCommand } from "../lib/tests";

export const command = testCommand("run the tests of what is done to a running lab", "operations");
