export { type Clock, systemClock } from "@blkmig/device";
