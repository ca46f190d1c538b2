import { instanceExists, instanceIsWhole, instanceRuns } from "../../machine/instance";
import { isStopped, T } from "../../machine/model";
import { changeState, readState } from "../../machine/store";
import { IN_REGION } from "../check";
import { ApiError, type ResourceType } from "../resource";
import { mustBeInstance, text } from "./common";
import { settleInstance } from "./instance";

/** Whether an instance is powered on. That it is wanted so is noted in the instance's own record. */
export const instanceState: ResourceType = {
  token: T.instanceState,
  name: "EC2 Instance State",
  service: "EC2",
  operations: { create: "StopInstances", delete: "DescribeInstances" },
  schema: {
    instanceId: { type: "string", required: true, replace: true },
    state: { type: "string", required: true, oneOf: ["running", "stopped"] },
    force: { type: "boolean", default: false },
    ...IN_REGION,
  },
  newId: (inputs) => text(inputs, "instanceId"),
  keyOf: (id) => `state-of-${id}`,

  refuse(inputs, state) {
    const instance = mustBeInstance(state, inputs["instanceId"]);
    if (inputs["state"] === "stopped" && instance.inputs["disableApiStop"] === true) {
      throw new ApiError(
        "OperationNotPermitted",
        `The instance '${instance.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
      );
    }
  },
  attributes: ({ id }) => ({ state: instanceRuns(id) ? "running" : "stopped" }),

  async apply({ id, inputs }) {
    const stopped = inputs["state"] === "stopped";
    const before = readState().records[id];
    if (before && isStopped(before) !== stopped) {
      await changeState((state) => {
        const instance = state.records[id];
        if (instance) instance.chosen["stopped"] = stopped;
      });
    }
    // What runs already need not wait for whoever is at work on it.
    if (!stopped && instanceIsWhole(id)) return;
    await settleInstance(id, inputs["force"] === true);
  },
  isWhole: ({ id, inputs }) => instanceRuns(id) === (inputs["state"] === "running"),
  exists: ({ id }) => instanceExists(id),
  // As AWS's provider, it leaves the instance as it is.
};
