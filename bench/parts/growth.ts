import { join } from "node:path";
import { DESTROY, enter, pulumi, removeLab, removeStack, unchanged, UP, writeConfig } from "../lab";
import type { Context, Part, Plot, Samples } from "../part";
import { type Environment } from "../run";
import { fit, median } from "../statistics";
import { goalTable, number, table } from "../tables";

/** Numbers of brokers to create, and numbers for previews only. */
const MADE = [3, 6, 9, 12];
const PLANNED = [3, 30, 100, 300];

/** A no-op is short, so each round runs several. */
const NO_OPS = 3;

const CURVES = {
  up: { label: "`pulumi up`, from no hosts", sizes: MADE },
  noOp: { label: "`pulumi up`, nothing to change", sizes: MADE },
  destroy: { label: "`pulumi destroy`", sizes: MADE },
  preview: { label: "`pulumi preview`, from no hosts", sizes: PLANNED },
};
type Curve = keyof typeof CURVES;
const NAMES = Object.keys(CURVES) as Curve[];

/** A curve is not linear if its last step is more than this factor times its first step. */
const BENT = 1.5;

/** The lab's times by number of brokers. */
export const growth: Part = {
  name: "growth",
  title: "How the lab scales with the number of brokers",
  description:
    "Three ZooKeeper nodes and an increasing number of brokers, otherwise with the settings of the local stack. All hosts share this one machine, also with twelve brokers. A preview creates nothing.",
  measure,
  remove: removeLab,
  report,
  plots,
};

async function measure(context: Context): Promise<void> {
  const env = await enter();
  for (let round = 0; round < context.rounds; round++) {
    const inTurn = (sizes: number[]) => (round % 2 === 0 ? sizes : [...sizes].reverse());
    for (const brokers of inTurn(PLANNED)) {
      await plan(context, env, brokers);
    }
    for (const brokers of inTurn(MADE)) {
      await make(context, env, brokers);
    }
    context.say(`round ${round + 1} of ${context.rounds} done`);
  }
}

async function plan({ note, directory }: Context, env: Environment, brokers: number) {
  const config = configOf(directory, brokers);
  await pulumi(env, "stack", "init", "local");
  const { seconds } = await pulumi(env, "preview", "--stack", "local", "--config-file", config);
  note(`preview.${brokers}`, seconds);
  await removeStack(env);
}

async function make({ note, directory }: Context, env: Environment, brokers: number) {
  const up = [...UP, "--config-file", configOf(directory, brokers)];
  await pulumi(env, "stack", "init", "local");
  note(`up.${brokers}`, (await pulumi(env, ...up)).seconds);
  for (let index = 0; index < NO_OPS; index++) {
    note(`noOp.${brokers}`, unchanged(await pulumi(env, ...up)).seconds);
  }
  note(`destroy.${brokers}`, (await pulumi(env, ...DESTROY)).seconds);
  await removeStack(env);
}

const configOf = (directory: string, brokers: number) =>
  writeConfig(join(directory, `brokers-${brokers}.yaml`), {
    "kafkalab:brokers": brokers,
    // More than five brokers would need more elastic addresses than the quota allows.
    "kafkalab:clientAllowedCidrs": ["none"],
  });

function report(samples: Samples): string {
  const hundred = { value: median(samples["preview.100"]), goal: 10, unit: "s" };
  return [
    goalTable([{ what: "`pulumi preview` of 100 brokers", ...hundred }]),
    ...[MADE, PLANNED].map((sizes) =>
      table(
        ["median, by number of brokers", ...sizes.map(String)],
        NAMES.filter((name) => CURVES[name].sizes === sizes).map((name) => [
          CURVES[name].label,
          ...sizes.map((size) => `${number(median(samples[`${name}.${size}`]))} s`),
        ]),
      ),
    ),
    table(
      ["", "each additional broker", "with no broker", "R²", "first step", "last step", ""],
      NAMES.map((name) => slopes(name, samples)),
    ),
    `The first two columns are the slope and the intercept of the straight line through the medians (least squares). The first step is the slope between the two smallest sizes, the last step the slope between the two largest. A curve is not linear if its last step is more than ${BENT} times its first step.\n`,
  ].join("\n");
}

function slopes(name: Curve, samples: Samples): string[] {
  const points = CURVES[name].sizes
    .map((size): [number, number] => [size, median(samples[`${name}.${size}`])])
    .filter(([, seconds]) => !Number.isNaN(seconds));
  if (points.length < 2) {
    return [CURVES[name].label, "not measured", "", "", "", "", ""];
  }
  const whole = fit(points);
  const first = fit(points.slice(0, 2)).slope;
  const last = fit(points.slice(-2)).slope;
  return [
    CURVES[name].label,
    milliseconds(whole.slope),
    `${number(whole.intercept)} s`,
    number(whole.r2, 3),
    milliseconds(first),
    milliseconds(last),
    last <= BENT * first ? "linear" : "**not linear**",
  ];
}

const milliseconds = (seconds: number) => `${number(seconds * 1000, 0)} ms`;

function plots(samples: Samples): Plot[] {
  const axes = { x: "brokers", y: "seconds" };
  const drawn = (sizes: number[]) =>
    NAMES.filter((name) => CURVES[name].sizes === sizes)
      .map((name) => ({
        label: CURVES[name].label.replaceAll("`", ""),
        points: sizes.flatMap((size) =>
          (samples[`${name}.${size}`] ?? []).map((seconds): [number, number] => [size, seconds]),
        ),
      }))
      .filter(({ points }) => points.length > 0);
  return [
    { file: "growth", title: "Creating and removing a lab", ...axes, curves: drawn(MADE) },
    { file: "growth-preview", title: "Previewing a lab", ...axes, curves: drawn(PLANNED) },
  ].filter(({ curves }) => curves.length > 0);
}
