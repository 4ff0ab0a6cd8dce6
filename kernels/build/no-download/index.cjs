// onnxruntime-node's installer begins with bootstrap(), and would then download its parts for CUDA, hundreds of megabytes that nothing
// here uses. It ends instead. What runs on the CPU is in the package itself.
exports.bootstrap = () => process.exit(0);
