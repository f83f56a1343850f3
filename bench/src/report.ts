export * from "@copresence/simulations/report";
