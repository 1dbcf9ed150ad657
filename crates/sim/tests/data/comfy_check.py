"""Drives the PyPI package comfy-api-simplified against a ComfyUI: BASE_URL FOLDER."""

import sys
from pathlib import Path

from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper
from comfy_api_simplified.exceptions import ComfyApiError

base_url, folder = sys.argv[1:]
api = ComfyApiWrapper(base_url)

picture = Path(folder, "in.png")
picture.write_bytes(b"\x89PNG not much")
uploaded = api.upload_image(str(picture))
assert uploaded["name"] == "in.png" and uploaded["type"] == "input", uploaded

workflow = Path(folder, "workflow.json")
workflow.write_text("""{
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}, "_meta": {"title": "Load"}},
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}, "_meta": {"title": "Invert"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}, "_meta": {"title": "Save"}}
}""")
prompt = ComfyWorkflowWrapper(str(workflow))
prompt.set_node_param("Load", "image", f"{uploaded['subfolder']}/{uploaded['name']}")
images = api.queue_and_wait_images(prompt, "Save")
assert list(images) == ["inverted_00001_.png"], list(images)
assert all(image.startswith(b"\x89PNG") for image in images.values())

prompt.set_node_param("Load", "image", "missing.png")
try:
    api.queue_prompt(prompt)
    raise AssertionError("a missing file was accepted")
except ComfyApiError as error:
    assert "400" in str(error), error

assert api.get_queue() == {"queue_running": [], "queue_pending": []}, api.get_queue()
print("all is well")
