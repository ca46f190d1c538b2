import { kcatConnection } from "../connection";
import { kcatLines, type Template } from "./template";

/** The configuration of kcat. */
export const kcat: Template = {
  file: "kcat.conf",
  summary: "kcat.conf; kcat reads it with -F, or always if it is ~/.config/kcat.conf",
  comment: "#",
  hasPemFile: true,
  command: ({ file }) => `kcat -F ${file} -L`,
  body: ({ access, pemFile }) => kcatLines(kcatConnection(access, pemFile)),
};
