/* Requests of each API, with ' for ", after the vendors' documents: those that share a key, those
 * that do not, and those that are not cached. */
#ifndef TESTS_API_ROWS_H
#define TESTS_API_ROWS_H

struct api_row {
    const char *api, *a, *b;
};

#define CHAT "openai-chat"
#define RESPONSES "openai-responses"
#define USER(content) "{'role':'user','content':" content "}"
#define WEATHER_A "{'type':'object','properties':{'city':{'type':'string'},'unit':{}}}"
#define WEATHER_B "{'type':'object','properties':{'unit':{},'city':{'type':'string'}}}"
#define CHAT_TOOL(p)                                                                               \
    "{'type':'function','function':{'name':'weather','strict':true,'parameters':" p "}}"
#define RESPONSES_TOOL(p) "{'type':'function','name':'weather','parameters':" p "}"
#define CLAUDE(rest) "{'model':'claude-sonnet-4-5','max_tokens':512," rest "}"
#define CLAUDE_TOOL(p, rest) "{'name':'weather','input_schema':" p rest "}"
#define CACHE "'cache_control':{'type':'ephemeral','ttl':'1h'}"
#define POINT "{'cachePoint':{'type':'default'}}"
#define PARTS(parts) "{'contents':[{'role':'user','parts':[" parts "]}]}"

static const struct api_row shared[] = {
    {CHAT,
     "{'model':'gpt-4o-mini','temperature':0.2,'messages':[{'role':'system','content':'Be brief.'},"
     "{'role':'user','content':[{'type':'text','text':'What is this?'},{'type':'image_url',"
     "'image_url':{'url':'data:image/png;base64,AA=='}}]}]}",
     " { 'user':'u-7', 'messages' : [{'content':'Be brief.','role':'system'},{'content':[{'text':"
     "'What is \\u0074his?','type':'text'},{'image_url':{'url':'data:image/png;base64,AA=='},"
     "'type':'image_url'}],'name':null,'role':'user'}],'n':1,'stream':false,'store':false,"
     "'stream_options':null,'seed':null,'temperature':2e-1,'service_tier':'flex','logprobs':null,"
     "'metadata':{'k':'v'},'model':'gpt-4o-mini'}"},
    {CHAT, "{'messages':[{'role':'assistant','tool_calls':[{'id':'c'}]}]}",
     "{'messages':[{'role':'assistant','content':null,'refusal':null,'audio':null,'tool_calls':"
     "[{'id':'c'}]}]}"},
    {CHAT, "{'top_p':1,'frequency_penalty':0,'presence_penalty':-0.0,'min_p':0.05,'top_k':40}",
     "{'top_k':40.0,'min_p':5e-2,'presence_penalty':0,'frequency_penalty':0.00,'top_p':1.0}"},
    {CHAT, "{'web_search_options':null,'store':null}", "{}"},
    {RESPONSES,
     "{'model':'gpt-5','input':[{'role':'user','content':[{'type':'input_text','text':'Hi'}]}],"
     "'instructions':'Be kind.','reasoning':{'effort':'low'}}",
     "{'reasoning':{'effort':'low'},'instructions':'Be kind.','background':false,'stream':false,"
     "'conversation':null,'previous_response_id':null,'prompt':null,'input':"
     "[{'content':[{'text':'Hi','type':'input_text'}],'role':'user'}],'model':'gpt-5'}"},
    {RESPONSES, "{'input':[" USER("[{'type':'input_image','image_url':'data:,'}]") "]}",
     "{'input':[" USER("[{'type':'input_image','file_id':null,'image_url':'data:,'}]") "]}"},
    {RESPONSES, "{'input':[{'type':'reasoning','id':'rs_1','encrypted_content':'gAA'}]}",
     "{'input':[{'encrypted_content':'gAA','id':'rs_1','role':null,'type':'reasoning'}]}"},
    {CHAT, "{'tools':[{'type':'custom','custom':{'name':'c'}}],'enable_search':false}",
     "{'tools':[{'type':'custom','custom':{'name':'c'}}]}"},
    {"openai-completions", "{'model':'m','prompt':'Once','temperature':0,'n':1}",
     "{'prompt':'Once','temperature':0.0,'user':'u','stream':false,'model':'m','stop':null}"},
    {"openai-embeddings", "{'model':'text-embedding-3-small','input':['a','b']}",
     "{'input':['a','b'],'user':'u','dimensions':null,'model':'text-embedding-3-small'}"},
    /* documented: a string is short for one text block */
    {"anthropic", CLAUDE("'messages':[" USER("'Hello'") "]"),
     CLAUDE("'messages':[" USER("[{'type':'text','text':'Hello'}]") "],'stream':false")},
    {"anthropic",
     CLAUDE("'system':[{'type':'text','text':'S'}],'temperature':1,'messages':[" USER(
         "[{'type':'text','text':'A'},{'type':'text','text':'B'}]") "]"),
     CLAUDE("'messages':[" USER(
         "[{'text':'A','type':'text'},{" CACHE
         ",'type':'text','text':'B'}]") "],'metadata':{'user_id':'u'},"
                                        "'service_tier':'auto','temperature':1.0,'system':[{'text':"
                                        "'S','type':'text'," CACHE "}]")},
    {"anthropic", CLAUDE("'messages':[" USER("'Hello'") "]"),
     CLAUDE("'messages':[" USER("[{" CACHE ",'text':'Hello','type':'text'}]") "]," CACHE)},
    {"anthropic", CLAUDE("'tools':[" CLAUDE_TOOL(WEATHER_A, "") "]"),
     CLAUDE("'tools':[" CLAUDE_TOOL(WEATHER_A, "," CACHE) "]")},
    {"anthropic",
     CLAUDE("'messages':[" USER("[{'type':'tool_result','tool_use_id':'t','content':[{'type':"
                                "'text','text':'21'}]}]") "]"),
     CLAUDE(
         "'messages':[" USER("[{'type':'tool_result','content':[{'type':'text','text':'21'," CACHE
                             "}],'tool_use_id':'t'," CACHE "}]") "]")},
    {"gemini",
     "{'contents':[{'role':'user','parts':[{'text':'Hi'}]}],'generationConfig':{'temperature':0.5,"
     "'topK':40,'maxOutputTokens':64},'systemInstruction':{'parts':[{'text':'S'}]}}",
     "{'labels':{'team':'a'},'systemInstruction':{'parts':[{'text':'S'}]},'generationConfig':"
     "{'maxOutputTokens':64,'topK':40.0,'temperature':5e-1},'contents':[{'parts':[{'text':'Hi'}],"
     "'role':'user'}]}"},
    {"gemini",
     PARTS("{'functionResponse':{'name':'f','response':{'a':1},'parts':[{'inlineData':{}}]}}"),
     PARTS("{'functionResponse':{'parts':[{'inlineData':{}}],'response':{'a':1},'name':'f'}}")},
    {"gemini-embed", "{'model':'models/e','content':{'role':'user','parts':[{'text':'a'}]}}",
     "{'content':{'parts':[{'text':'a'}],'role':'user'},'model':'models/e'}"},
    {"gemini-embed", "{'requests':[{'model':'m','content':{'parts':[{'text':'a'}]}}]}",
     "{'requests':[{'content':{'parts':[{'text':'a'}]},'model':'m'}]}"},
    {"bedrock",
     "{'messages':[{'role':'user','content':[{'text':'Hi'}]}],'system':[{'text':'S'}],"
     "'inferenceConfig':{'maxTokens':64,'temperature':0.5},'toolConfig':{'tools':[{'toolSpec':"
     "{'name':'w','inputSchema':{'json':" WEATHER_A "}}}]}}",
     "{'requestMetadata':{'k':'v'},'toolConfig':{'tools':[{'toolSpec':{'name':'w','inputSchema':"
     "{'json':" WEATHER_A "}}}," POINT "]},'inferenceConfig':{'temperature':0.50,'maxTokens':64},"
     "'system':[{'text':'S'}," POINT "],'messages':[{'content':[" POINT ",{'text':'Hi'}," POINT
     "],'role':'user'}],'performanceConfig':{'latency':'optimized'}}"},
    {"bedrock-invoke", "{'max_tokens':5,'anthropic_version':'bedrock-2023-05-31'}",
     "{'anthropic_version':'bedrock-2023-05-31', 'max_tokens':5}"},
    {"bedrock-invoke",
     "{'max_tokens':64,'messages':[" USER("[{'type':'image','source':{'data':'AA=='}}]") "]}",
     "{'messages':[" USER("[{'type':'image','source':{'data':'AA=='}}]") "],'max_tokens':64}"},
    {"ollama",
     "{'model':'llama3.2','stream':false,'messages':[{'role':'user','content':'Hi'}],'options':"
     "{'temperature':0,'num_ctx':4096}}",
     "{'options':{'num_ctx':4096,'temperature':0.0},'keep_alive':'5m','messages':[{'content':'Hi',"
     "'role':'user'}],'stream':false,'model':'llama3.2'}"},
    {"ollama-embed", "{'model':'m','input':['a']}", "{'input':['a'],'keep_alive':0,'model':'m'}"},
    {"cohere", "{'model':'command-r','messages':[" USER("'Hi'") "],'p':0.75,'k':0}",
     "{'k':0.0,'p':75e-2,'stream':false,'priority':1,'messages':[{'content':'Hi','role':'user'}],"
     "'model':'command-r'}"},
    {"cohere-embed", "{'model':'e','texts':['a'],'input_type':'search_query'}",
     "{'input_type':'search_query','texts':['a'],'model':'e'}"},
    {"cohere-rerank", "{'model':'r','query':'q','documents':['a','b'],'top_n':1}",
     "{'top_n':1,'documents':['a','b'],'query':'q','model':'r'}"},
    {"generic", "{'a':1,'b':{'c':2}}", "{ 'b':{'c':2}, 'a':1}"},
};

static const struct api_row apart[] = {
    /* what a model sees in the order it comes in */
    {CHAT, "{'tools':[" CHAT_TOOL(WEATHER_A) "]}", "{'tools':[" CHAT_TOOL(WEATHER_B) "]}"},
    {CHAT, "{'tools':[{'type':'function','function':{}}]}",
     "{'tools':[{'function':{},'type':'function'}]}"},
    {CHAT, "{'functions':[{'parameters':" WEATHER_A "}]}",
     "{'functions':[{'parameters':" WEATHER_B "}]}"},
    {CHAT, "{'response_format':{'type':'json_schema','json_schema':{'schema':" WEATHER_A "}}}",
     "{'response_format':{'type':'json_schema','json_schema':{'schema':" WEATHER_B "}}}"},
    {CHAT, "{'guided_json':" WEATHER_A "}", "{'guided_json':" WEATHER_B "}"},
    {RESPONSES, "{'tools':[" RESPONSES_TOOL(WEATHER_A) "]}",
     "{'tools':[" RESPONSES_TOOL(WEATHER_B) "]}"},
    {RESPONSES, "{'text':{'format':{'type':'json_schema','schema':" WEATHER_A "}}}",
     "{'text':{'format':{'type':'json_schema','schema':" WEATHER_B "}}}"},
    {"anthropic", CLAUDE("'tools':[" CLAUDE_TOOL(WEATHER_A, "") "]"),
     CLAUDE("'tools':[" CLAUDE_TOOL(WEATHER_B, "") "]")},
    {"anthropic", CLAUDE("'tools':[{'name':'a','description':'b'}]"),
     CLAUDE("'tools':[{'description':'b','name':'a'}]")},
    {"anthropic", CLAUDE("'messages':[" USER("[{'type':'tool_use','input':{'a':1,'b':2}}]") "]"),
     CLAUDE("'messages':[" USER("[{'type':'tool_use','input':{'b':2,'a':1}}]") "]")},
    {"gemini", PARTS("{'functionCall':{'name':'f','args':{'a':1,'b':2}}}"),
     PARTS("{'functionCall':{'name':'f','args':{'b':2,'a':1}}}")},
    {"gemini", "{'generationConfig':{'responseSchema':" WEATHER_A "}}",
     "{'generationConfig':{'responseSchema':" WEATHER_B "}}"},
    {"gemini", "{'tools':[{'functionDeclarations':[{'parameters':" WEATHER_A "}]}]}",
     "{'tools':[{'functionDeclarations':[{'parameters':" WEATHER_B "}]}]}"},
    {"bedrock", "{'toolConfig':{'tools':[{'toolSpec':{'inputSchema':{'json':" WEATHER_A "}}}]}}",
     "{'toolConfig':{'tools':[{'toolSpec':{'inputSchema':{'json':" WEATHER_B "}}}]}}"},
    {"gemini", PARTS("{'functionResponse':{'response':{'a':1,'b':2}}}"),
     PARTS("{'functionResponse':{'response':{'b':2,'a':1}}}")},
    /* a body of whose model nothing is known */
    {"bedrock-invoke", "{'messages':[" USER("'a'") "]}",
     "{'messages':[{'content':'a','role':'user'}]}"},
    {"bedrock-invoke", "{'tools':[{'name':'a','x':1}]}", "{'tools':[{'x':1,'name':'a'}]}"},
    {"bedrock-invoke", "{'toolConfig':{'tools':[],'toolChoice':{}}}",
     "{'toolConfig':{'toolChoice':{},'tools':[]}}"},
    {"ollama", "{'format':" WEATHER_A "}", "{'format':" WEATHER_B "}"},
    {"ollama", "{'tools':[" CHAT_TOOL(WEATHER_A) "]}", "{'tools':[" CHAT_TOOL(WEATHER_B) "]}"},
    {"cohere", "{'tools':[" CHAT_TOOL(WEATHER_A) "]}", "{'tools':[" CHAT_TOOL(WEATHER_B) "]}"},
    {"cohere", "{'documents':[{'data':{'a':1,'b':2}}]}", "{'documents':[{'data':{'b':2,'a':1}}]}"},
    /* messages, their order and their parts */
    {CHAT, "{'messages':[" USER("'a'") "," USER("'b'") "]}",
     "{'messages':[" USER("'b'") "," USER("'a'") "]}"},
    {CHAT, "{'messages':[{'role':'user','content':'a'}]}",
     "{'messages':[{'role':'system','content':'a'}]}"},
    {CHAT, "{'messages':[{'role':'user','content':'a'}]}",
     "{'messages':[{'role':'user','content':'a','name':'b'}]}"},
    {CHAT, "{'messages':[" USER("'a'") "]}",
     "{'messages':[" USER("[{'type':'text','text':'a'}]") "]}"},
    {CHAT, "{'messages':[" USER("[{'image_url':{'url':'u','detail':'low'}}]") "]}",
     "{'messages':[" USER("[{'image_url':{'url':'u','detail':'high'}}]") "]}"},
    {CHAT, "{'messages':[" USER("'a'") "]}", "{'messages':[" USER("'a '") "]}"},
    {CHAT, "{'messages':[" USER("'a','user':'b'") "]}", "{'messages':[" USER("'a'") "]}"},
    {RESPONSES, "{'input':'a'}", "{'input':[" USER("'a'") "]}"},
    {RESPONSES, "{'input':'a'}", "{}"},
    {RESPONSES, "{'input':[{'type':'message','id':'msg_1'}]}",
     "{'input':[{'type':'message','id':'msg_2'}]}"},
    {RESPONSES, "{'input':[" USER("'a'") "," USER("'b'") "]}",
     "{'input':[" USER("'b'") "," USER("'a'") "]}"},
    {"anthropic", CLAUDE("'messages':[" USER("'a'") "," USER("'b'") "]"),
     CLAUDE("'messages':[" USER("'b'") "," USER("'a'") "]")},
    {"anthropic", CLAUDE("'messages':[" USER("[{'type':'text','text':'a'}]") "]"),
     CLAUDE("'messages':[" USER("[{'type':'text','text':'a'},{'type':'text','text':''}]") "]")},
    {"anthropic", CLAUDE("'messages':[" USER("'a'") "]"),
     CLAUDE("'messages':[" USER("[{'type':'text','text':'a','citations':[]}]") "]")},
    {"anthropic", CLAUDE("'system':'a'"), CLAUDE("'messages':[" USER("'a'") "]")},
    {"anthropic", CLAUDE("'tools':[{'name':'a','input_schema':{" CACHE "}}]"),
     CLAUDE("'tools':[{'name':'a','input_schema':{}}]")},
    {"anthropic", CLAUDE("'messages':[" USER("[{'type':'tool_use','input':{" CACHE "}}]") "]"),
     CLAUDE("'messages':[" USER("[{'type':'tool_use','input':{}}]") "]")},
    {"gemini", PARTS("{'text':'a'},{'text':'b'}"), PARTS("{'text':'b'},{'text':'a'}")},
    {"gemini", "{'systemInstruction':{'parts':[{'text':'a'}]}}",
     "{'systemInstruction':{'parts':[{'text':'b'}]}}"},
    {"gemini", "{'tools':[{'functionDeclarations':[]}]}", "{}"},
    {"gemini", "{'tools':[{'functionDeclarations':[]}]}",
     "{'tools':[{'function_declarations':[]}]}"},
    {"gemini-embed", "{'requests':[{'title':'a'},{'title':'b'}]}",
     "{'requests':[{'title':'b'},{'title':'a'}]}"},
    {"bedrock", "{'messages':[{'content':[{'text':'a'},{'text':'b'}]}]}",
     "{'messages':[{'content':[{'text':'b'},{'text':'a'}]}]}"},
    {"bedrock", "{'messages':[{'content':[{'image':{'format':'png','source':{'bytes':'AA=='}}}]}]}",
     "{'messages':[{'content':[{'image':{'format':'png','source':{'bytes':'AQ=='}}}]}]}"},
    {"cohere-rerank", "{'documents':['a','b']}", "{'documents':['b','a']}"},
    {"cohere-embed", "{'texts':['a','b']}", "{'texts':['b','a']}"},
    {"openai-embeddings", "{'input':'a'}", "{'input':['a']}"},
    /* what is absent, what is not */
    {CHAT, "{'temperature':1}", "{}"},
    {CHAT, "{'top_p':1}", "{}"},
    {CHAT, "{'temperature':0.1}", "{'temperature':0.10000001}"},
    {CHAT, "{'seed':1}", "{'seed':1.0}"},
    {CHAT, "{'n':2}", "{}"},
    {CHAT, "{'stream':true}", "{}"},
    {CHAT, "{'logprobs':false}", "{}"},
    {CHAT, "{'unheard_of':null}", "{}"},
    {CHAT, "{'unheard_of':false}", "{}"},
    {CHAT, "{'unheard_of':{'a':1,'b':2}}", "{'unheard_of':{'b':2,'a':1}}"},
    {CHAT, "{'User':'a'}", "{'User':'b'}"},
    {RESPONSES, "{'store':true}", "{'store':false}"},
    {RESPONSES, "{'store':false}", "{}"},
    {"anthropic", "{'temperature':null}", "{}"},
    {"anthropic", "{'max_tokens':1}", "{'max_tokens':10}"},
    {"anthropic", "{'max_tokens':'0'}", "{}"},
    {"anthropic", "{'stream':true}", "{}"},
    {"gemini", "{'generationConfig':null}", "{}"},
    {"gemini", "{'generationConfig':{'topK':40}}", "{'generationConfig':{'topK':41}}"},
    {"ollama", "{'stream':false}", "{}"},
    {"ollama", "{'stream':true}", "{'stream':false}"},
    {"ollama", "{'options':{'num_ctx':4096}}", "{'options':{'num_ctx':8192}}"},
    {"cohere", "{'k':null}", "{}"},
    {"generic", "{'n':1}", "{}"},
    {"generic", "{'stream':false}", "{}"},
    {"generic", "{'temperature':0}", "{'temperature':0.0}"},
};

#define RESPONSES_TYPE(type)                                                                       \
    {                                                                                              \
        RESPONSES, "{'tools':[{'name':'f'},{'type':'" type "'}]}", NULL                            \
    }
#define ANTHROPIC_TYPE(type)                                                                       \
    {                                                                                              \
        "anthropic", CLAUDE("'tools':[{'name':'x','type':'" type "'}]"), NULL                      \
    }
#define INVOKE_TYPE(type)                                                                          \
    {                                                                                              \
        "bedrock-invoke", "{'tools':[{'name':'x','type':'" type "'}]}", NULL                       \
    }
#define GEMINI_TOOL(name)                                                                          \
    {                                                                                              \
        "gemini", "{'tools':[{'functionDeclarations':[]},{'" name "':{}}]}", NULL                  \
    }

static const struct api_row refused[] = {
    {CHAT, "{'messages':[{'role':'assistant','audio':{'id':'audio_1'}}]}", NULL},
    {CHAT, "{'messages':[" USER("[{'type':'file','file':{'file_id':'file-1'}}]") "]}", NULL},
    {CHAT, "{'tools':[{'type':'web_search'}]}", NULL},
    {CHAT, "{'tools':[{'type':'browser_search'}]}", NULL},
    {CHAT, "{'tools':[{'type':'builtin_function','function':{'name':'$web_search'}}]}", NULL},
    {CHAT, "{'enable_search':true}", NULL},
    RESPONSES_TYPE("web_search"),
    RESPONSES_TYPE("web_search_preview_2025_03_11"),
    RESPONSES_TYPE("file_search"),
    RESPONSES_TYPE("code_interpreter"),
    RESPONSES_TYPE("computer_use_preview"),
    RESPONSES_TYPE("mcp"),
    RESPONSES_TYPE("image_generation"),
    RESPONSES_TYPE("local_shell"),
    RESPONSES_TYPE("shell"),
    RESPONSES_TYPE("apply_patch"),
    RESPONSES_TYPE("x_search"),
    RESPONSES_TYPE(""),
    {RESPONSES, "{'input':[{'type':'item_reference','id':'msg_1'}]}", NULL},
    {RESPONSES, "{'input':[" USER("'a'") ",{'id':'msg_1'}]}", NULL},
    {RESPONSES, "{'input':[{'type':null,'id':'msg_1'}]}", NULL},
    {RESPONSES, "{'input':[{'type':'image_generation_call','id':'ig_1'}]}", NULL},
    {RESPONSES, "{'input':[" USER("[{'type':'input_image','file_id':'file-1'}]") "]}", NULL},
    {RESPONSES, "{'input':[{'type':'function_call_output','output':[{'file_id':'f'}]}]}", NULL},
    {RESPONSES, "{'prompt':{'id':'pmpt_1'}}", NULL},
    ANTHROPIC_TYPE("web_search_20250305"),
    ANTHROPIC_TYPE("web_fetch_20250910"),
    ANTHROPIC_TYPE("code_execution_20250825"),
    ANTHROPIC_TYPE("mcp_toolset"),
    {"anthropic", "{'max_tokens':0}", NULL},
    {"anthropic", "{'max_tokens':0.0}", NULL},
    {"anthropic", "{'max_tokens':-0e5}", NULL},
    {"anthropic",
     CLAUDE("'messages':[" USER("[{'type':'document','source':{'type':'file',"
                                "'file_id':'file_1'}}]") "]"),
     NULL},
    {"anthropic", CLAUDE("'messages':[" USER("[{'type':'container_upload','file_id':'f'}]") "]"),
     NULL},
    {"anthropic",
     CLAUDE("'messages':[" USER("[{'type':'tool_result','content':[{'type':'image',"
                                "'source':{'file_id':'f'}}]}]") "]"),
     NULL},
    GEMINI_TOOL("googleSearch"),
    GEMINI_TOOL("google_search"),
    GEMINI_TOOL("googleSearchRetrieval"),
    GEMINI_TOOL("google_search_retrieval"),
    GEMINI_TOOL("enterpriseWebSearch"),
    GEMINI_TOOL("enterprise_web_search"),
    GEMINI_TOOL("urlContext"),
    GEMINI_TOOL("url_context"),
    GEMINI_TOOL("codeExecution"),
    GEMINI_TOOL("code_execution"),
    GEMINI_TOOL("googleMaps"),
    GEMINI_TOOL("google_maps"),
    GEMINI_TOOL("fileSearch"),
    GEMINI_TOOL("file_search"),
    GEMINI_TOOL("retrieval"),
    GEMINI_TOOL("computerUse"),
    GEMINI_TOOL("computer_use"),
    GEMINI_TOOL("parallelAiSearch"),
    GEMINI_TOOL("exaAiSearch"),
    GEMINI_TOOL("mcpServers"),
    GEMINI_TOOL("whatever_comes_next"),
    {"gemini", PARTS("{'functionResponse':{'parts':[{'fileData':{'fileUri':'gs://b/o'}}]}}"), NULL},
    {"gemini", PARTS("{'function_response':{'parts':[{'file_data':{}}]}}"), NULL},
    {"gemini", "{'system_instruction':{'parts':[{'file_data':{}}]}}", NULL},
    {"gemini", PARTS("{'fileData':{'fileUri':'https://g/v1beta/files/f'}}"), NULL},
    {"gemini", PARTS("{'file_data':{'file_uri':'gs://b/o'}}"), NULL},
    {"bedrock", "{'toolConfig':{'tools':[{'systemTool':{'name':'nova_grounding'}}]}}", NULL},
    {"bedrock",
     "{'messages':[{'content':[{'video':{'format':'mp4','source':{'s3Location':{'uri':'s3://b/o'"
     "}}}}]}]}",
     NULL},
    INVOKE_TYPE("web_search_20250305"),
    {"bedrock-invoke", "{'max_tokens':0}", NULL},
    {"bedrock-invoke", "{'toolConfig':{'tools':[{'systemTool':{'name':'nova_grounding'}}]}}", NULL},
    {"bedrock-invoke",
     "{'messages':[{'content':[{'video':{'source':{'s3Location':{'uri':'s3://b/o'}}}}]}]}", NULL},
    {"bedrock-invoke",
     "{'messages':[{'content':[{'toolResult':{'content':[{'image':{'source':{'s3Location':{}}}}]}}"
     "]}]}",
     NULL},
    {"bedrock-invoke",
     "{'messages':[" USER("[{'type':'document','source':{'type':'file','file_id':'f'}}]") "]}",
     NULL},
    {"bedrock",
     "{'messages':[{'content':[{'toolResult':{'content':[{'document':{'source':{'s3Location':{}}}}"
     "]}}]}]}",
     NULL},
};

#endif
