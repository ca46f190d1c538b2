import { instanceIsWhole, instanceRuns } from "../../machine/instance";
import { instanceExists } from "../../machine/instance-disk";
import { changeState } from "../../machine/store";
import { ApiError } from "../api-error";
import * as kinds from "../kinds";
import { settleInstance } from "../power";
import { find, findNow, mustExist } from "../records";
import { resourceType } from "../resource";
import { isStopped } from "../vpc-model";

/** Whether an instance is powered on. The instance's own record contains the wanted state. */
export const instanceState = resourceType(kinds.instanceState, {
  name: "EC2 Instance State",
  service: "EC2",
  operations: { create: "StopInstances", delete: "DescribeInstances" },
  newId: ({ instanceId }) => instanceId,
  keyOf: (id) => `state-of-${id}`,

  refuse(inputs, state) {
    const instance = mustExist(state, kinds.instance, inputs.instanceId);
    if (inputs.state === "stopped" && instance.inputs.disableApiStop === true) {
      throw new ApiError(
        "OperationNotPermitted",
        `The instance '${instance.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
      );
    }
  },
  attributes: ({ id }) => ({ state: instanceRuns(id) ? "running" : "stopped" }),

  async apply({ id, inputs }) {
    const stopped = inputs.state === "stopped";
    const before = findNow(kinds.instance, id);
    if (before && isStopped(before) !== stopped) {
      await changeState((state) => {
        const instance = find(state, kinds.instance, id);
        if (instance) {
          instance.chosen.stopped = stopped;
        }
      });
    }
    // A running instance needs no lock, so do not wait for another process that holds it.
    if (!stopped && instanceIsWhole(id)) {
      return;
    }
    await settleInstance(id, inputs.force === true);
  },
  isWhole: ({ id, inputs }) => instanceRuns(id) === (inputs.state === "running"),
  exists: ({ id }) => instanceExists(id),
  // Like AWS's provider, this one does not change the instance when this resource is deleted.
});
