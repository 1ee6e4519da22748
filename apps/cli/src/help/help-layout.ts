import { Help, type Option } from "commander";

import { hang, wrap } from "./wrap.ts";

/** How commander sets help. Its own way does not break lines where the screen is narrow, and tells of empty defaults. */
export const HELP_LAYOUT: Partial<Help> = {
  formatItem(term: string, column: number, meaning: string, helper: Help): string {
    return hang(term, meaning, { column, width: helper.helpWidth ?? 80 }).join("\n");
  },
  optionDescription(option: Option): string {
    const { defaultValue } = option;
    if (defaultValue === false || Array.isArray(defaultValue)) return option.description;
    if (typeof defaultValue === "string") return `${option.description} (default: ${defaultValue})`;
    return Help.prototype.optionDescription.call(this, option);
  },
  boxWrap: (text: string, width: number): string => wrap(text, width).join("\n"),
};
