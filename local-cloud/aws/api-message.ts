import { ApiError } from "./api-error";
import type { ResourceType } from "./resource";

/** An action of the provider on a resource. */
export type Verb = "create" | "update" | "delete";

const DOING = { create: "creating", update: "updating", delete: "deleting" };

/** Runs the action. Formats an AWS error like the AWS provider. */
export async function asApi<Result>(
  type: ResourceType,
  verb: Verb,
  action: () => Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ApiError ? apiMessage(type, verb, error) : error;
  }
}

function apiMessage(
  { name, service, operations }: ResourceType,
  verb: Verb,
  { code, message }: ApiError,
) {
  const operation = verb === "delete" ? operations.delete : operations.create;
  return new Error(
    `${DOING[verb]} ${name}: operation error ${service}: ${operation}, api error ${code}: ${message}`,
  );
}
