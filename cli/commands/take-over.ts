import { judge } from "../belongings/belongings";
import { type LabCommand, stackOption } from "../lib/command";
import { Refusal } from "../lib/refusal";
import { enter, stackNamed } from "../lib/stack";

export const command: LabCommand = {
  summary: "make a lab of another checkout this checkout's",
  examples: ["npm run take-over"],
  define(command, act) {
    command.addOption(stackOption()).action(
      act(async ({ stack: name }: { stack: string }) => {
        const stack = stackNamed(name);
        if (stack.target !== "local") {
          throw new Refusal(
            `take-over needs the local target; the stack ${name} is on AWS.`,
            "On AWS, everybody with access to Pulumi's state can change the lab.",
          );
        }
        await enter(stack);
        await judge("take-over", name);
      }),
    );
  },
};
