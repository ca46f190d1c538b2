import { type Architecture, readInstanceType } from "../lib/instance-types";
import { Computed, type Rule, type Setting, text } from "./define";
import { architecture } from "./lab";
import { breach } from "./rules";

/** The heap that must fit into the memory of the instance type. */
interface Heap {
  setting: Setting<number>;
  /** The heap's maximum share of the memory. */
  share: number;
}

/** An EC2 instance type. Its default depends on the architecture. */
export function instanceType<N extends string>(definition: {
  name: N;
  defaults: Record<Architecture, string>;
  heap?: Heap;
  text: string;
  change: string;
  example: string;
}) {
  const { defaults, heap } = definition;
  return text({
    name: definition.name,
    default: new Computed(
      `${defaults.x86_64} or ${defaults.arm64}, by architecture`,
      (context) => defaults[context.get(architecture)],
    ),
    rule: ruleFor(heap),
    text: definition.text,
    change: definition.change,
    example: definition.example,
  });
}

function ruleFor(heap?: Heap): Rule<string> {
  const room =
    heap === undefined
      ? ""
      : `, with a memory of which kafkalab:${heap.setting.name} takes at most ${heap.share * 100} %`;
  return {
    text: `be an EC2 instance type on Nitro, of the architecture of kafkalab:architecture${room}`,
    check: (value, context) => {
      const type = readInstanceType(value);
      const example = "Take one such as t3.medium (x86_64) or t4g.medium (arm64)";
      if (typeof type === "string") {
        return { rule: type, remedy: example };
      }
      const wanted = context.get(architecture);
      const other = breach(
        type.architecture !== wanted,
        `be of the architecture ${wanted} (this one is ${type.architecture})`,
        `${example}, or set kafkalab:architecture to ${type.architecture}`,
      );
      if (heap === undefined || type.memoryGiB === undefined) {
        return other;
      }
      const { setting, share } = heap;
      const heapMiB = context.get(setting);
      const roomMiB = type.memoryGiB * 1024 * share;
      return (
        other ??
        breach(
          heapMiB > roomMiB,
          `have memory for a heap of ${heapMiB} MiB (at most ${share * 100} % of it, ${roomMiB} MiB here)`,
          `Take a larger type, or set kafkalab:${setting.name} to ${roomMiB} or less`,
        )
      );
    },
  };
}
