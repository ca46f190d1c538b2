import { testCommand } from "../lib/tests";

export const command = testCommand("run the tests on real hosts", "integration");
