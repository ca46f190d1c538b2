import { testCommand } from "../lib/tests";

export const command = testCommand("run the tests that change a running lab", "operations");
