# RunningHub's published "Task Progress Display Example" (page modified 2026-03-10), kept as it is for compatibility
# tests. Only API_KEY, WORKFLOW_ID, the hosts of URLS and the Host header are replaced, by the test, when it runs.
import requests
import json
import time
from websocket import WebSocketApp
from typing import Dict, Set, Optional

# Configuration
API_KEY = "****************************"  # Replace with your own API_KEY
WORKFLOW_ID = "*****************"  # Fill in the workflow ID
HEADERS = {"Host": "www.runninghub.cn", "Content-Type": "application/json"}
URLS = {
    "create_task": "https://www.runninghub.cn/task/openapi/create",
    "get_outputs": "https://www.runninghub.cn/task/openapi/outputs",
    "get_nodes": "https://www.runninghub.cn/api/openapi/getJsonApiFormat"
}


def get_task_results(task_id: str, max_retries: int = 3):
    """Get task results with retry mechanism"""
    for attempt in range(max_retries):
        try:
            resp = requests.post(
                URLS["get_outputs"],
                headers=HEADERS,
                data=json.dumps({"apiKey": API_KEY, "taskId": task_id})
            )
            resp.raise_for_status()

            data = resp.json().get("data")

            if isinstance(data, list) and data:
                print("\n📄 Generation results:")
                for i, item in enumerate(data, 1):
                    print(f"  Result {i}: Type={item.get('fileType', 'unknown')}, URL={item.get('fileUrl', 'unknown')}")
                return True

            # Retry after waiting
            if attempt < max_retries - 1:
                print("⏳ Results not ready, retrying after 5 seconds...")
                time.sleep(5)

        except Exception as e:
            print(f"❌ Exception when getting results: {str(e)}")
            if attempt < max_retries - 1:
                print("⏳ Retrying after 5 seconds...")
                time.sleep(5)

    print("❌ All retry attempts failed, no generation results found")
    return False


class ProgressInfo:
    def __init__(self):
        self.completed_nodes: Set[str] = set()
        self.current_node: str = ""
        self.current_node_name: str = ""
        self.current_progress: int = 0
        self.current_max: int = 0
        self.id_to_class_type: Optional[Dict[str, str]] = None

    def set_id_to_class_type(self, id_map: Dict[str, str]):
        self.id_to_class_type = id_map

    def set_current_node(self, node_id: str):
        self.current_node = node_id
        self.current_node_name = self.id_to_class_type.get(node_id, "") if (self.id_to_class_type and node_id) else ""

    def add_completed_node(self, node_id: str) -> bool:
        if node_id not in self.completed_nodes:
            self.completed_nodes.add(node_id)
            return True
        return False

    def clear_current_node(self):
        self.current_node = self.current_node_name = ""
        self.current_progress = self.current_max = 0

    def get_overall_percent(self) -> float:
        total = len(self.id_to_class_type) if self.id_to_class_type else 0
        return (len(self.completed_nodes) / total) * 100 if total > 0 else 0.0

    def get_current_node_percent(self) -> float:
        return (self.current_progress / self.current_max) * 100 if self.current_max > 0 else 0.0

    def __str__(self):
        base = f"Overall progress: {self.get_overall_percent():.1f}% ({len(self.completed_nodes)}/{len(self.id_to_class_type) if self.id_to_class_type else 0})"
        if self.current_node_name:
            base += f" - Current node: {self.current_node_name}"
        if self.current_max > 0:
            base += f" ({self.get_current_node_percent():.1f}%)"
        return base


def create_task_and_get_wss(node_info_list: str) -> tuple:
    """Initiate ComfyUI task and poll to get WSS link and taskId"""
    node_info_list = node_info_list.strip()
    try:
        resp = requests.post(
            URLS["create_task"],
            headers=HEADERS,
            data=json.dumps({
                "apiKey": API_KEY,
                "workflowId": WORKFLOW_ID,
                "nodeInfoList": json.loads(node_info_list)
            })
        )
        resp.raise_for_status()
        task_id = resp.json().get("data", {}).get("taskId")
        if not task_id:
            print(f"Task initiation failed: {resp.json()}")
            return None, None
        print(f"✅ Task initiated successfully, taskId: {task_id}")

    except Exception as e:
        print(f"Task initiation exception: {str(e)}")
        return None, None

    # Poll to get WSS
    for poll_cnt in range(1, 31):
        print(f"🔍 {poll_cnt}th poll to get WSS...")
        time.sleep(5)

        try:
            resp = requests.post(
                URLS["get_outputs"],
                headers=HEADERS,
                data=json.dumps({"apiKey": API_KEY, "taskId": task_id})
            )
            resp.raise_for_status()
            data = resp.json().get("data")

            # Return results directly
            if isinstance(data, list):
                print("\n🎉 Task completed, getting results directly:")
                if data:
                    for i, item in enumerate(data, 1):
                        print(f"  Result {i}: Type={item.get('fileType', 'unknown')}, URL={item.get('fileUrl', 'unknown')}")
                return None, task_id

            # Extract WSS
            if isinstance(data, dict):
                wss_url = data.get("netWssUrl")
                if wss_url:
                    print(f"✅ WSS obtained successfully: {wss_url}")
                    return wss_url, task_id

            print("WSS not ready, continuing to wait...")

        except Exception as e:
            print(f"Polling exception: {str(e)}")

    print("❌ Polling timeout, WSS not obtained")
    return None, task_id


def get_node_id_name_map() -> Dict[str, str]:
    """Get node ID → name mapping"""
    try:
        resp = requests.post(
            URLS["get_nodes"],
            headers=HEADERS,
            data=json.dumps({"apiKey": API_KEY, "workflowId": WORKFLOW_ID})
        )
        resp.raise_for_status()
        prompt_json = resp.json().get("data", {}).get("prompt", "{}")
        id_name_map = {
            node_id: info.get("class_type", node_id)
            for node_id, info in json.loads(prompt_json).items()
        }
        print(f"✅ Node mapping obtained successfully ({len(id_name_map)} nodes in total), which are {id_name_map}")
        return id_name_map
    except Exception as e:
        print(f"Node mapping acquisition exception: {str(e)}")
        return {}


class TaskProgressMonitor:
    def __init__(self, task_id: str):
        self.progress = ProgressInfo()
        self.tmp_node: Optional[str] = None
        self.task_id = task_id

    def start_monitor(self, wss_url: str, node_id_name_map: Dict[str, str]):
        self.progress.set_id_to_class_type(node_id_name_map)

        def on_open(ws):
            print("\n📊 Progress monitoring started...")

        def on_message(ws, msg):
            try:
                data = json.loads(msg)
                msg_type = data.get("type", "")

                if msg_type == "progress":
                    d = data.get("data", {})
                    self.progress.set_current_node(d.get("node", ""))
                    self.progress.current_progress = d.get("value", 0)
                    self.progress.current_max = d.get("max", 0)
                    print(f"📈 {self.progress}")

                elif msg_type == "executing":
                    if self.tmp_node:
                        self.progress.add_completed_node(self.tmp_node)
                        self.progress.clear_current_node()
                    self.tmp_node = data.get("data", {}).get("node", "")
                    if self.tmp_node:
                        self.progress.set_current_node(self.tmp_node)
                        print(f"📈 {self.progress}")

                elif msg_type == "execution_cached":
                    for node_id in data.get("data", {}).get("nodes", []):
                        if node_id and self.progress.add_completed_node(node_id):
                            print(f"📌 Node {node_id_name_map.get(node_id, node_id)} (completed from cache)")
                    print(f"📈 {self.progress}")

                elif msg_type == "execution_success":
                    if self.tmp_node:
                        self.progress.add_completed_node(self.tmp_node)
                    print(f"📈 {self.progress}\n🎉 Task execution completed, getting generation results...")

                    if get_task_results(self.task_id):
                        print("✅ All results obtained!")
                    ws.close()

            except Exception as e:
                print(f"❌ Message processing exception: {str(e)}")

        def on_close(ws, code, reason):
            reason_str = reason.decode() if isinstance(reason, bytes) else reason
            print(f"\n🔌 Monitoring closed: {reason_str} (status code: {code})")

        def on_error(ws, err):
            print(f"❌ Monitoring error: {str(err)}")

        WebSocketApp(wss_url, on_open=on_open, on_message=on_message, on_close=on_close,
                     on_error=on_error).run_forever()


def main():
    # Initiate task
    node_info_list = '[]'
    wss_url, task_id = create_task_and_get_wss(node_info_list)

    # If results are returned directly, no need to monitor
    if not wss_url:
        return

    # Get node mapping and start monitoring
    node_map = get_node_id_name_map()
    print("\n=== Starting progress monitoring ===")
    TaskProgressMonitor(task_id).start_monitor(wss_url, node_map)


if __name__ == "__main__":
    main()
