import { App } from "cdktf";
import { environmentsFolder } from "./constructs/config/folder";
import { loadEnvironments } from "./constructs/config/load";
import { reportingMistakes } from "./constructs/config/report";
import { MlflowStack } from "./constructs/mlflow-stack";

reportingMistakes(() => {
  const environments = loadEnvironments(environmentsFolder());
  const app = new App();
  for (const { name, props } of environments) new MlflowStack(app, name, props);
  app.synth();
});
