import { testCommand } from "../lib/tests";

export const command = testCommand("run complete matrices and kill points; takes hours", "full");
