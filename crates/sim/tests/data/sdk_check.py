"""Drives the PyPI package runninghub-sdk against a base URL: BASE_URL KEY WORKFLOW_ID FAILING_ID APP_ID FOLDER."""

import sys

from runninghub_sdk import NodeInput, RunningHubClient
from runninghub_sdk.exceptions import RunningHubError
from runninghub_sdk.typedefs import TaskStatus

base_url, key, workflow_id, failing_id, app_id, folder = sys.argv[1:]
client = RunningHubClient(api_key=key, base_url=base_url)

assert client.validate_api_key()
assert not RunningHubClient(api_key="f" * 32, base_url=base_url).validate_api_key()

queue = client.get_queue_status()
assert (queue.api_key_type, queue.concurrent_limit, queue.total_current_tasks) == ("SHARED", 3, "0"), queue
account = client.get_account_status()
assert account.api_type == "SHARED" and int(account.remain_coins) > 0, account

graph = client.get_workflow_json_parsed(workflow_id)
assert graph["3"]["class_type"] == "KSampler", graph

uploaded = client.upload_file(b"meow", "cat.png")
assert uploaded.file_name.startswith("openapi/") and uploaded.size == "4", uploaded

task = client.run(workflow_id, [NodeInput("3", "seed", 7)])
assert task.task_status == TaskStatus.QUEUED and len(task.client_id) == 32, task
seen = []
outputs = client.wait_for_completion(task.task_id, poll_interval=0.05, timeout=30, on_status_change=seen.append)
assert seen[-1] == TaskStatus.SUCCESS, seen
assert [output.file_type for output in outputs] == ["png"], outputs
path = client.download_file(outputs[0].file_url, folder + "/result.png")
assert path.read_bytes().startswith(b"\x89PNG")

result = client.query_v2(task.task_id)
assert result.status == TaskStatus.SUCCESS and result.results[0]["outputType"] == "png", result
assert result.task_usage_list[0].task_id == int(task.task_id), result

failing = client.run(failing_id)
try:
    client.wait_for_completion(failing.task_id, poll_interval=0.05, timeout=30)
    raise SystemExit("a failed task was taken for a success")
except RunningHubError as error:
    assert error.code == 805, error

cancelled = client.run(workflow_id)
client.cancel(cancelled.task_id)
assert client.get_status(cancelled.task_id) == TaskStatus.FAILED

demo = client.get_ai_app_api_demo(app_id)
assert demo.webapp_name and demo.node_info_list, demo
prompt = next(field for field in demo.node_info_list if field.field_name == "text")
task = client.run_ai_app(app_id, [{"nodeId": prompt.node_id, "fieldName": "text", "fieldValue": "a cat"}])
result = client.wait_for_query_v2_completion(task.task_id, poll_interval=0.05, timeout=30)
assert result.results and result.results[0]["url"].startswith(base_url), result

endpoint, payload = "rhart-text-g-25-pro/text-to-text", {"prompt": "a cat"}
price = client.preview_model_price(endpoint, payload)
assert price is not None
task = client.run_model_api(endpoint, payload)
result = client.wait_for_query_v2_completion(task.task_id, poll_interval=0.05, timeout=30)
assert result.results, result

keys = client.list_api_keys()
assert len(keys) == 1 and "*" in keys[0].key, keys
models = client.list_public_models("CHECKPOINT", size=1)
assert int(models.total) == 2 and len(models.records) == 1, models

for call in (lambda: client.run("404"), lambda: client.get_status("404")):
    try:
        call()
        raise SystemExit("an unknown id was accepted")
    except RunningHubError as error:
        assert error.code in (380, 807), error

print("all is well")
