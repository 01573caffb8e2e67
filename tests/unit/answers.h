/* Whole answers, as the vendors' API documents show them; for the tests of what is read from an
 * answer and of what is changed in it. */
#ifndef TESTS_ANSWERS_H
#define TESTS_ANSWERS_H

#include "core/usage.h"

/* Written with ' for ". */
struct sample {
    enum api_gate gate;
    struct usage usage;
    const char *answer;
    const char *zeroed; /* the same without usage */
};

#define SAMPLE(gate, input, output, before, usage, zeroed, after)                                  \
    {                                                                                              \
        gate, {input, output}, before usage after, before zeroed after                             \
    }
/* without any usage */
#define PLAIN(gate, answer)                                                                        \
    {                                                                                              \
        gate, {-1, -1}, answer, answer                                                             \
    }

static const struct sample samples[] = {
    SAMPLE(GATE_OPENAI_CHAT, 19, 10,
           "{\n  'id': 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',\n  'object': 'chat.completion',\n"
           "  'created': 1741569952,\n  'model': 'gpt-4.1-2025-04-14',\n  'choices': [\n"
           "    {'index': 0, 'message': {'role': 'assistant', 'content': 'You used 19 tokens.',\n"
           "      'refusal': null, 'annotations': []}, 'logprobs': null, 'finish_reason': 'stop'}\n"
           "  ],\n  'usage': ",
           "{'prompt_tokens': 19, 'completion_tokens': 10, 'total_tokens': 29,\n"
           "    'prompt_tokens_details': {'cached_tokens': 0, 'audio_tokens': 0},\n"
           "    'completion_tokens_details': {'reasoning_tokens': 7}}",
           "{'prompt_tokens':  0, 'completion_tokens':  0, 'total_tokens':  0,\n"
           "    'prompt_tokens_details': {'cached_tokens': 0, 'audio_tokens': 0},\n"
           "    'completion_tokens_details': {'reasoning_tokens': 0}}",
           ",\n  'service_tier': 'default'\n}"),
    /* OpenRouter's price, and who was asked */
    SAMPLE(GATE_OPENAI_CHAT, 14, 163,
           "{'id':'gen-1741569952-Nq0jrKf2Yp8sLmXw3bTz','provider':'DeepInfra','object':"
           "'chat.completion','created':1741569952,'choices':[{'finish_reason':'stop','index':0,"
           "'message':{'role':'assistant','content':'Hi'}}],'usage':",
           "{'prompt_tokens':14,'completion_tokens':163,'total_tokens':177,'cost':0.00014,"
           "'is_byok':false,'cost_details':{'upstream_inference_cost':1.5e-05},'note':'7'}",
           "{'prompt_tokens': 0,'completion_tokens':  0,'total_tokens':  0,'cost':      0,"
           "'is_byok':false,'cost_details':{'upstream_inference_cost':      0},'note':'7'}",
           "}"),
    SAMPLE(GATE_OPENAI_COMPLETIONS, 5, 7,
           "{'id':'cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7','object':'text_completion','created':1589478378,"
           "'model':'gpt-3.5-turbo-instruct','choices':[{'text':' a test','index':0,"
           "'finish_reason':'stop'}],'usage':",
           "{'prompt_tokens':5,'completion_tokens':7,'total_tokens':12}",
           "{'prompt_tokens':0,'completion_tokens':0,'total_tokens': 0}", "}"),
    SAMPLE(GATE_OPENAI_RESPONSES, 36, 87,
           "{'id':'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b','object':'response',"
           "'created_at':1741476542,'status':'completed','error':null,'incomplete_details':null,"
           "'max_output_tokens':300,'output':[{'type':'message',"
           "'id':'msg_67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b','status':'completed',"
           "'role':'assistant','content':[{'type':'output_text','text':'Once.','annotations':[]}]}"
           "],'previous_response_id':'resp_67cb32528d6881909eb2859a55e18a85','store':true,'usage':",
           "{'input_tokens':36,'input_tokens_details':{'cached_tokens':30},'output_tokens':87,"
           "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':123}",
           "{'input_tokens': 0,'input_tokens_details':{'cached_tokens': 0},'output_tokens': 0,"
           "'output_tokens_details':{'reasoning_tokens':0},'total_tokens':  0}",
           ",'user':null,'metadata':{}}"),
    SAMPLE(GATE_OPENAI_EMBEDDINGS, 8, -1,
           "{'object':'list','data':[{'object':'embedding','embedding':[0.0023064255,-0.009327292],"
           "'index':0}],'model':'text-embedding-ada-002','usage':",
           "{'prompt_tokens':8,'total_tokens':8}", "{'prompt_tokens':0,'total_tokens':0}", "}"),
    SAMPLE(GATE_ANTHROPIC, 2095 + 2051 + 1051, 503,
           "{'content':[{'text':'Hi! My name is Claude.','type':'text'},{'type':'tool_use','id':"
           "'toolu_01D7FLrfh4GYq7yT1ULFeyMV','name':'weather','input':{'usage':{'days':3}}}],"
           "'id':'msg_013Zva2CMHLNnXjNJJKqJ2EF','model':'claude-sonnet-4-5','role':'assistant',"
           "'stop_reason':'end_turn','stop_sequence':null,'type':'message','usage':",
           "{'cache_creation':{'ephemeral_1h_input_tokens':0,'ephemeral_5m_input_tokens':2051},"
           "'cache_creation_input_tokens':2051,'cache_read_input_tokens':1051,'input_tokens':2095,"
           "'output_tokens':503,'server_tool_use':{'web_search_requests':1},"
           "'service_tier':'standard','iterations':[{'type':'message','output_tokens':503}]}",
           "{'cache_creation':{'ephemeral_1h_input_tokens':0,'ephemeral_5m_input_tokens':   0},"
           "'cache_creation_input_tokens':   0,'cache_read_input_tokens':   0,'input_tokens':   0,"
           "'output_tokens':  0,'server_tool_use':{'web_search_requests':0},"
           "'service_tier':'standard','iterations':[{'type':'message','output_tokens':  0}]}",
           "}"),
    SAMPLE(
        GATE_GEMINI, 4 + 3, 715 + 1024,
        "{\n  'candidates': [{'content': {'parts': [{'text': 'It learns.'}], 'role': 'model'},\n"
        "    'finishReason': 'STOP', 'index': 0, 'avgLogprobs': -0.31}],\n  'usageMetadata': ",
        "{'promptTokenCount': 4, 'candidatesTokenCount': 715, 'totalTokenCount': 1746,\n"
        "    'toolUsePromptTokenCount': 3, 'thoughtsTokenCount': 1024,\n"
        "    'promptTokensDetails': [{'modality': 'TEXT', 'tokenCount': 4}],\n"
        "    'trafficType': 'ON_DEMAND'}",
        "{'promptTokenCount': 0, 'candidatesTokenCount':   0, 'totalTokenCount':    0,\n"
        "    'toolUsePromptTokenCount': 0, 'thoughtsTokenCount':    0,\n"
        "    'promptTokensDetails': [{'modality': 'TEXT', 'tokenCount': 0}],\n"
        "    'trafficType': 'ON_DEMAND'}",
        ",\n  'modelVersion': 'gemini-2.5-flash',\n  'responseId': 'mAitaLmkHPPlz7IPvtfUqQ4'\n}"),
    PLAIN(GATE_GEMINI, "{'embedding':{'values':[0.013168523,-0.008711934]}}"),
    SAMPLE(GATE_BEDROCK, 30 + 100 + 20, 628,
           "{'metrics':{'latencyMs':1275},'output':{'message':{'content':[{'text':'Three songs.'}],"
           "'role':'assistant'}},'stopReason':'end_turn','usage':",
           "{'cacheReadInputTokens':100,'cacheWriteInputTokens':20,'inputTokens':30,"
           "'outputTokens':628,'totalTokens':778,'cacheDetails':[{'inputTokens':20,'ttl':'5m'}]}",
           "{'cacheReadInputTokens':  0,'cacheWriteInputTokens': 0,'inputTokens': 0,"
           "'outputTokens':  0,'totalTokens':  0,'cacheDetails':[{'inputTokens': 0,'ttl':'5m'}]}",
           "}"),
    SAMPLE(GATE_OLLAMA, 26, 298,
           "{'model':'llama3.2','created_at':'2023-12-12T14:13:43.416799Z','message':{'role':"
           "'assistant','content':'Hello!'},'done':true,'done_reason':'stop','total_duration':"
           "5191566416,'load_duration':2154458,",
           "'prompt_eval_count':26,'prompt_eval_cached_count':8,'prompt_eval_duration':383809000,"
           "'eval_count':298",
           "'prompt_eval_count': 0,'prompt_eval_cached_count':0,'prompt_eval_duration':383809000,"
           "'eval_count':  0",
           ",'eval_duration':4799921000,'usage':{'ours':1}}"),
    SAMPLE(GATE_OLLAMA, 8, -1,
           "{'model':'all-minilm','embeddings':[[0.010071029,-0.0017594862]],'total_duration':"
           "14143917,'load_duration':1019500,",
           "'prompt_eval_count':8", "'prompt_eval_count':0", "}"),
    SAMPLE(GATE_COHERE_CHAT, 71, 418,
           "{'id':'c14c80c3-18eb-4519-9460-6c92edd8cfb4','finish_reason':'COMPLETE','message':"
           "{'role':'assistant','content':[{'type':'text','text':'LLMs predict.'}]},'usage':",
           "{'billed_units':{'input_tokens':5,'output_tokens':418.0},'tokens':{'input_tokens':71,"
           "'output_tokens':418.0},'cached_tokens':64}",
           "{'billed_units':{'input_tokens':0,'output_tokens':    0},'tokens':{'input_tokens': 0,"
           "'output_tokens':    0},'cached_tokens': 0}",
           ",'meta':null}"),
    SAMPLE(GATE_COHERE_EMBED, 2, -1,
           "{'id':'da6e531f-54c5-4a73-bf92-f60566d8d753','embeddings':{'float':[[0.016296387]]},"
           "'texts':['hello'],'meta':{'api_version':{'version':'2','is_experimental':true},",
           "'billed_units':{'input_tokens':2}", "'billed_units':{'input_tokens':0}",
           ",'warnings':['2 days left']},'response_type':'embeddings_by_type'}"),
    SAMPLE(GATE_COHERE_CHAT, 466, 9,
           "{'response_id':'ac9ce861-882f-4bf8-9670-8e44eb5ab600','text':'Hi','generation_id':"
           "'5e7ff0de-6b95-4c5f-9e1b-1f6b0a3f3a52','finish_reason':'COMPLETE','meta':{'api_version'"
           ":{'version':'1'},",
           "'billed_units':{'input_tokens':4,'output_tokens':9},'tokens':{'input_tokens':466,"
           "'output_tokens':9},'cached_tokens':384",
           "'billed_units':{'input_tokens':0,'output_tokens':0},'tokens':{'input_tokens':  0,"
           "'output_tokens':0},'cached_tokens':  0",
           "}}"),
    SAMPLE(GATE_COHERE_RERANK, -1, -1,
           "{'results':[{'index':3,'relevance_score':0.999071}],'id':"
           "'07734bd2-2473-4f07-94e1-0d9f0e6843cf','meta':{'api_version':{'version':'2'},",
           "'billed_units':{'search_units':1}", "'billed_units':{'search_units':0}", "}}"),
    /* Anthropic's model behind Bedrock's InvokeModel */
    SAMPLE(GATE_NONE, 12, 6,
           "{'id':'msg_bdrk_01XFDUDYJgAACzvnptvVoYEL','type':'message','content':[{'type':'text',"
           "'text':'Hi'}],'stop_reason':'end_turn','usage':",
           "{'input_tokens':12,'output_tokens':6}", "{'input_tokens': 0,'output_tokens':0}", "}"),
    /* anything else */
    PLAIN(GATE_NONE, "{'usage':12,'eval_count':3,'id':'4711','usageMetadata':{'totalTokenCount':1},"
                     "'meta':{'tokens':{'input_tokens':5}},'data':{'usage':{'prompt_tokens':5}}}"),
    PLAIN(GATE_NONE, "{'usage':[{'prompt_tokens':5}]}"),
    PLAIN(GATE_NONE, "[{'usage':{'prompt_tokens':5}}]"),
    PLAIN(GATE_NONE, "17"),
    PLAIN(GATE_OPENAI_CHAT, "{'id':'chatcmpl-123','choices':[],'usage':null}"),
    PLAIN(GATE_OPENAI_CHAT, "{'choices':[{'usage':{'prompt_tokens':5}}],'usageMetadata':{'x':1}}"),
    PLAIN(GATE_ANTHROPIC, "{'usage':{},'eval_count':8}"),
    PLAIN(GATE_OLLAMA, "{'prompt_eval_count':'5','eval_count':null,'message':{'eval_count':3}}"),
    PLAIN(GATE_COHERE_EMBED, "{'meta':[5],'usage':'7'}"),
};
enum { SAMPLES = sizeof samples / sizeof *samples };

#endif
