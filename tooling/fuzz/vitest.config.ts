import shared from "@blkmig/vitest-config";
import { defineProject, mergeConfig } from "vitest/config";

export default mergeConfig(shared, defineProject({}));
