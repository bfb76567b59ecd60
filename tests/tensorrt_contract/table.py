"""All of TensorRT that the plugin uses: checked against the plugin's source, and against the bindings."""

from __future__ import annotations

NAMES = (
    "Builder",
    "BuilderFlag.TF32",
    "DataType.FLOAT",
    "ILogger",
    "ILogger.Severity",
    "ILogger.Severity.ERROR",
    "ILogger.Severity.INTERNAL_ERROR",
    "ILogger.__init__",
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED",
    "OnnxParser",
    "Runtime",
    "TensorIOMode.INPUT",
    "__version__",
)
"""What is named as ``trt.NAME``."""

CALLS = (
    ("Builder.__init__", ("ILogger",), "None"),
    ("Builder.build_serialized_network", ("INetworkDefinition", "IBuilderConfig"), "IHostMemory"),
    ("Builder.create_builder_config", (), "IBuilderConfig"),
    ("Builder.create_network", ("int",), "INetworkDefinition"),
    ("IBuilderConfig.clear_flag", ("BuilderFlag",), "None"),
    ("IBuilderConfig.set_flag", ("BuilderFlag",), "None"),
    ("ICudaEngine.create_execution_context", (), "IExecutionContext"),
    ("ICudaEngine.get_tensor_dtype", ("str",), "DataType"),
    ("ICudaEngine.get_tensor_mode", ("str",), "TensorIOMode"),
    ("ICudaEngine.get_tensor_name", ("int",), "str"),
    ("ICudaEngine.get_tensor_shape", ("str",), "Dims"),
    ("IExecutionContext.execute_async_v3", ("int",), "bool"),
    ("IExecutionContext.set_tensor_address", ("str", "int"), "bool"),
    ("ILogger.__init__", (), "None"),
    ("ILogger.log", ("Severity", "str"), "None"),
    ("OnnxParser.__init__", ("INetworkDefinition", "ILogger"), "None"),
    ("OnnxParser.get_error", ("int",), "IParserError"),
    ("OnnxParser.parse", ("bytes",), "bool"),
    ("ParserError.desc", (), "str"),
    ("Runtime.__init__", ("ILogger",), "None"),
    ("Runtime.deserialize_cuda_engine", ("bytes",), "ICudaEngine"),
)
"""Methods, the types of the arguments that are given by position, and what comes back."""

PROPERTIES = ("ICudaEngine.num_io_tensors", "OnnxParser.num_errors")

OURS = {
    "content", "inputs", "outputs", "shape",  # of StaticModel
    "_compare", "_context", "_engine", "_messages", "_names", "_runtime", "errors", "explain",
    "append", "join", "lower", "split",
}  # fmt: skip
"""Attributes in the plugin's source that are none of TensorRT's."""
